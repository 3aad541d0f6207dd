// Command qmqpd is a QMQP server: a drop-in for Postfix's qmqpd(8), and a
// stand-alone server that writes Postfix queue files itself.
package main

func main() {}

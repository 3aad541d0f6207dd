// Command postconf-lite prints Postfix configuration the way postconf(1) does.
package main

func main() {}

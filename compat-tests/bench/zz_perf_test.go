package bench
import ("testing";"os";"fmt";"os/exec";"strconv";"time")
func TestPerf(t *testing.T) {
	if os.Getenv("PERF")=="" { t.Skip() }
	n,_ := strconv.Atoi(os.Getenv("PERF"))
	s := newSide(t, true, 100, "cleanup_service_name = fastcleanup", "max_use=100000")
	// with symbols
	exec.Command("go","build","-o",s.Path("/usr/lib/postfix/sbin/qmqpd.real"),"../../cmd/qmqpd").Run()
	s.fastCleanup(t)
	load(t, s.addr, n, 200, message(1))
	ps := append(s.Daemons("qmqpd"), s.Daemons("qmqpd.real")...)
	ids := ""
	for _, p := range ps { ids += ","+strconv.Itoa(p.PID) }
	c := exec.Command("perf","record","-F","2000","-e","cpu-clock","-g","-o","/tmp/p.data","-p",ids[1:])
	c.Start(); time.Sleep(500*time.Millisecond)
	rate,_ := load(t, s.addr, n, 6000, message(1))
	fmt.Println("rate", rate)
	c.Process.Signal(os.Interrupt); c.Wait()
	os.Rename(s.Path("/usr/lib/postfix/sbin/qmqpd.real"),"/tmp/qmqpd.perf")
}

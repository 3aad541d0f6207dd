package bench
import ("testing";"os";"fmt")
func TestCPU(t *testing.T) {
	if os.Getenv("CPU")=="" { t.Skip() }
	sides := both(t, 100, "cleanup_service_name = fastcleanup", "max_use=100000")
	for _, s := range sides { s.fastCleanup(t); 
		if os.Getenv("GO1")!="" && s.name=="ours" { s.WriteFile("/etc/postfix/x","",0644); s.AppendMain("import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ XAUTHORITY DISPLAY LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME GOMAXPROCS=1"); s.Reload() }
		load(t, s.addr, 50, 200, message(1)) }
	for _, n := range []int{1,10,50} {
	for r:=0;r<3;r++ { for _, s := range sides {
		b := s.cpu.used(t)
		rate,p := load(t, s.addr, n, 2000, message(1))
		fmt.Println(n, s.name, int(rate), p, (s.cpu.used(t)-b)/2000)
	}}}
}

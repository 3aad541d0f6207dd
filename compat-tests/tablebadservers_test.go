package compat

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qmqpd/qmqpd/compat-tests/postfix"
	"github.com/qmqpd/qmqpd/compat-tests/standin"
)

// turn is what a server says to a request, and how: as a whole, if nothing else is
// said here.
type turn struct {
	say string
	how string
}

const (
	drip   = "drip"   // byte for byte
	end    = "end"    // and ends the connection
	reset  = "reset"  // and resets the connection
	stall  = "stall"  // and says no more
	before = "before" // the request
)

// A badServer goes through a list of turns on each connection, of which the last one
// stands for all that follow; so does the last list for further connections.
type badServer struct {
	mu    sync.Mutex
	heard []string // on each connection
	open  int      // connections
}

func serveBadly(t *testing.T, read func(*bufio.Reader) (string, error), connections [][]turn) (s *badServer, address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s = &badServer{}
	standin.Serve(t, l, func(conn net.Conn) {
		s.mu.Lock()
		n := len(s.heard)
		s.heard = append(s.heard, "")
		s.open++
		s.mu.Unlock()
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.open--
		}()
		turns := connections[min(n, len(connections)-1)]
		for r, i := bufio.NewReader(conn), 0; ; i++ {
			turn := turns[min(i, len(turns)-1)]
			if turn.how != before {
				request, err := read(r)
				s.mu.Lock()
				s.heard[n] += request
				s.mu.Unlock()
				if err != nil {
					return
				}
			}
			switch turn.how {
			case drip:
				for _, b := range []byte(turn.say) {
					conn.Write([]byte{b})
					time.Sleep(time.Millisecond)
				}
			case end:
				standin.SayLast(conn.(*net.TCPConn), turn.say)
				return
			default:
				io.WriteString(conn, turn.say)
			}
			switch turn.how {
			case reset:
				standin.Reset(conn.(*net.TCPConn))
				return
			case stall:
				io.Copy(io.Discard, r)
				return
			}
		}
	})
	return s, l.Addr().String()
}

// take returns what was heard from a client that has ended, and fails the test if the
// client leaves a connection open.
func (s *badServer) take(t *testing.T) []string {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		s.mu.Lock()
		if s.open == 0 {
			break
		}
		s.mu.Unlock()
		if time.Now().After(deadline) {
			t.Fatal("a connection is open after the last lookup")
		}
		time.Sleep(time.Millisecond)
	}
	defer s.mu.Unlock()
	heard := s.heard
	s.heard = nil
	return heard
}

// badRow is a way for a server to behave. The keys are separated by "|".
type badRow struct {
	name, keys  string
	connections [][]turn
	settings    string // of a memcache table
	// agreed says why both programs differ. A difference that is not there is an error.
	agreed string
}

// compareBadServers asks both programs the same keys of the same server, and compares
// answers, lines, what is asked on which connection, and for how long they wait.
func compareBadServers(t *testing.T, pf *postfix.Instance, rows []badRow, read func(*bufio.Reader) (string, error), specs func(address, settings string) (theirs, ours string)) {
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel() // postmap pauses before it ends with an error
			postfix.Case(t)
			s, address := serveBadly(t, read, row.connections)
			theirs, ours := specs(address, row.settings)
			keys := strings.Split(row.keys, "|")
			begun := time.Now()
			wantAnswers, wantLog := queryPostmap(pf, theirs, keys)
			want := time.Since(begun)
			wantHeard := s.take(t)
			wantLog = queryErrors(wantLog)
			if len(wantLog) > 0 && wantLog[len(wantLog)-1] == "fatal: query error" {
				want -= time.Second
			}
			begun = time.Now()
			gotAnswers, gotLog := queryOurs(t, pf.Dir, ours, keys)
			got := time.Since(begun)
			var differences strings.Builder
			for _, part := range []struct {
				what      string
				want, got any
			}{{"answers", wantAnswers, gotAnswers}, {"log", wantLog, queryErrors(gotLog)}, {"requests on each connection", wantHeard, s.take(t)}} {
				if diff := cmp.Diff(part.want, part.got); diff != "" {
					fmt.Fprintf(&differences, "%s (-postmap +ours):\n%.2000s", part.what, diff)
				}
			}
			if got > want+3*time.Second {
				fmt.Fprintf(&differences, "postmap took %v, ours %v\n", want, got)
			}
			switch {
			case row.agreed == "" && differences.Len() > 0:
				t.Errorf("%s", &differences)
			case row.agreed != "" && differences.Len() == 0:
				t.Errorf("no difference any more: %s", row.agreed)
			}
		})
	}
}

func talk(turns ...turn) [][]turn { return [][]turn{turns} }
func say(text string) turn        { return turn{say: text} }
func reply(text string) [][]turn  { return talk(say(text)) }

// first is a server whose first connection goes badly.
func first(text, how, then string) [][]turn { return [][]turn{{{text, how}}, {say(then)}} }

var (
	longText = strings.Repeat("v", 10241)
	longUTF8 = strings.Repeat("ü", 150)
	// oddKeys are keys of all sorts, but for the end.
	oddKeys = "a\x01b\x7fc%41\\|ü%|  lead|trail  |\ttab|a\vb|a\rb|a\u00a0b|UPPER|Ä|bad\xff|" + longText + "|" + longUTF8 + "||end"
)

// TestTCPBadServers has no server that ends a connection right when it is asked again:
// what is then said depends on who is first.
func TestTCPBadServers(t *testing.T) {
	pf := postfix.New(t, postfix.Options{})
	compareBadServers(t, pf, []badRow{
		{name: "dripping", keys: "a|b", connections: talk(turn{"200 x%20y\n", drip})},
		{name: "cut short", keys: "a", connections: first("200 x", end, "200 y\n")},
		{name: "cut after an 8-bit byte", keys: "a", connections: first("200 x\xc3", end, "200 y\n")},
		{name: "cut after 255", keys: "a", connections: first("200 x\xff", end, "200 y\n")},
		{name: "cut after NUL", keys: "a", connections: first("200 x\x00", end, "200 y\n")},
		{name: "reset", keys: "a", connections: first("", reset, "200 y\n")},
		{name: "too long", keys: "a", connections: first("200 "+longText[:4093]+"\n", "", "200 y\n")},
		{name: "of the limit", keys: "a", connections: first("200 "+longText[:4092]+"\n", "", "200 y\n")},
		{name: "too long, 8-bit", keys: "a", connections: first("200 "+strings.Repeat("ü", 2047)+"\n", "", "200 y\n")},
		{name: "reset between requests", keys: "a|b|c", connections: talk(turn{"200 x\n", reset})},
		{name: "always ends", keys: "a", connections: talk(turn{"", end})},
		{name: "CRLF", keys: "a|b", connections: reply("200 x\r\n")},
		{name: "CRLF, not found", keys: "a|b", connections: reply("500 x\r\n")},
		{name: "tab", keys: "a|b", connections: reply("200\tx\n")},
		{name: "vertical tab", keys: "a|b", connections: reply("200\vx\n")},
		{name: "byte 160", keys: "a", connections: reply("200\xa0x\n")},
		{name: "empty line", keys: "a", connections: reply("\n")},
		{name: "two digits", keys: "a", connections: reply("20 x\n")},
		{name: "four digits", keys: "a", connections: reply("2000 x\n")},
		{name: "NUL in the status", keys: "a", connections: reply("20\x000 x\n")},
		{name: "NUL after the status", keys: "a", connections: reply("200\x00x\n")},
		{name: "NUL in the value", keys: "a|b", connections: reply("200 a\x00%zz\n")},
		{name: "%00", keys: "a|b", connections: reply("200 a%00b\n")},
		{name: "%0a", keys: "a|b", connections: reply("200 a%0ab\n")},
		{name: "% at the end", keys: "a", connections: reply("200 a%\n")},
		{name: "%%", keys: "a", connections: reply("200 a%%41\n")},
		{name: "not found, bad hexadecimal", keys: "a", connections: reply("500 a%zz\n")},
		{name: "temporary, bad hexadecimal", keys: "a", connections: reply("400 a%zz\n")},
		{name: "000", keys: "a", connections: reply("000 x\n")},
		{name: "999", keys: "a", connections: reply("999 x\x01\xff\n")},
		{name: "8-bit value", keys: "a|b", connections: reply("200 ü\n")},
		{name: "long malformed 8-bit reply", keys: "a", connections: reply("x" + longUTF8 + "\n")},
		{name: "unasked", keys: "a|b", connections: talk(turn{"200 u\n", before}, say("200 x\n"))},
		{name: "two replies", keys: "a|b|c", connections: reply("200 1\n200 2\n")},
		{name: "keys", keys: oddKeys, connections: reply("200 x\n")},
	}, readTextLine, func(address, _ string) (string, string) { return "tcp:" + address, "tcp:" + address })
}

func TestSocketmapBadServers(t *testing.T) {
	pf := postfix.New(t, postfix.Options{})
	ns := func(s string) string { return fmt.Sprintf("%d:%s,", len(s), s) }
	compareBadServers(t, pf, []badRow{
		{name: "dripping", keys: "a|b", connections: talk(turn{ns("OK x y"), drip})},
		{name: "NUL for a blank", keys: "a|b", connections: reply(ns("OK\x00 x"))},
		{name: "NUL in the value", keys: "a|b", connections: reply(ns("OK x\x00y"))},
		{name: "two blanks", keys: "a|b", connections: reply(ns("OK  x "))},
		{name: "tab for a blank", keys: "a", connections: reply(ns("OK\tx"))},
		{name: "small letters", keys: "a", connections: reply(ns("ok x"))},
		{name: "newline in the value", keys: "a|b", connections: reply(ns("OK x\ny"))},
		{name: "leading zeros", keys: "a|b", connections: reply("00000000000000000000000004:OK x,")},
		{name: "no length", keys: "a", connections: reply(":,")},
		{name: "empty", keys: "a", connections: reply("0:,")},
		{name: "negative length", keys: "a", connections: reply("-1:,")},
		{name: "blank before the length", keys: "a", connections: reply(" 4:OK x,")},
		{name: "length of 64 bits", keys: "a", connections: reply("99999999999999999999:OK x,")},
		{name: "length of 63 bits", keys: "a", connections: reply("9223372036854775807:OK x,")},
		{name: "of the limit", keys: "a|b", connections: reply(ns("OK " + strings.Repeat("v", 99997)))},
		{name: "cut in the length", keys: "a|b", connections: first("1", end, ns("OK y"))},
		{name: "cut in the text", keys: "a|b", connections: first("10:OK", end, ns("OK y"))},
		{name: "cut at the comma", keys: "a|b", connections: first("4:OK x", end, ns("OK y"))},
		{name: "cut always", keys: "a|b", connections: talk(turn{"10:OK", end})},
		{name: "reset", keys: "a|b", connections: first("", reset, ns("OK y"))},
		{name: "no comma", keys: "a", connections: reply("4:OK x;")},
		{name: "ends between requests", keys: "a|b|c", connections: talk(turn{ns("OK x"), end})},
		{name: "reset between requests", keys: "a|b|c", connections: talk(turn{ns("OK x"), reset})},
		{name: "not found, with a text", keys: "a|b", connections: reply(ns("NOTFOUND x"))},
		{name: "temporary, without a text", keys: "a", connections: reply(ns("TEMP"))},
		{name: "temporary, with blanks of all kinds", keys: "a", connections: reply(ns("TEMP  \t\n x"))},
		{name: "temporary, with blanks alone", keys: "a", connections: reply(ns("TEMP   "))},
		{name: "temporary, 8-bit", keys: "a", connections: reply(ns("TEMP ü\xff\x01" + longUTF8))},
		{name: "temporary, with a NUL", keys: "a", connections: reply(ns("TEMP x\x00y"))},
		{name: "a blank first", keys: "a", connections: reply(ns(" x"))},
		{name: "two replies", keys: "a|b|c", connections: reply(ns("OK 1") + ns("OK 2"))},
		{name: "more than a reply", keys: "a|b", connections: reply(ns("OK 1") + "x")},
		{name: "more than a long reply", keys: "a|b|c", connections: reply(ns("OK "+longText[:1000]) + ns("OK "+longText[:1000]))},
		{name: "keys", keys: oddKeys, connections: reply(ns("OK x"))},
	}, readNetstring, func(address, _ string) (string, string) {
		spec := "socketmap:inet:" + address + ":m"
		return spec, spec
	})
}

func TestMemcacheBadServers(t *testing.T) {
	pf := postfix.New(t, postfix.Options{})
	const value, again, backup = "VALUE k 0 1\r\nv\r\nEND\r\n", "END\r\n", "backup = static:s\n"
	compareBadServers(t, pf, []badRow{
		{name: "dripping", keys: "a|b", connections: talk(turn{value, drip})},
		{name: "ends between requests", keys: "a|b|c", connections: talk(turn{value, end})},
		{name: "ends between requests, one try", keys: "a|b", settings: "max_try = 1\n", connections: talk(turn{value, end}), agreed: "that a connection has ended is noticed before it is used, and costs no try"},
		{name: "cut in the line", keys: "a|b", connections: first("VALUE k", end, value)},
		{name: "cut in the value", keys: "a|b", connections: first("VALUE k 0 5\r\nab", end, value)},
		{name: "cut after the value", keys: "a|b", connections: first("VALUE k 0 2\r\nab", end, value)},
		{name: "cut after CR", keys: "a|b", connections: first("VALUE k 0 2\r\nab\r", end, value)},
		{name: "cut before the end", keys: "a|b", connections: first("VALUE k 0 2\r\nab\r\n", end, value)},
		{name: "cut in the end", keys: "a|b", connections: first("VALUE k 0 2\r\nab\r\nEND\r", end, value)},
		{name: "silence in the line", keys: "a|b", settings: "timeout = 1\n", connections: first("VALUE k", stall, value)},
		{name: "silence in the value", keys: "a|b", settings: "timeout = 1\n", connections: first("VALUE k 0 5\r\nab", stall, value)},
		{name: "silence after a wrong end of the value", keys: "a|b", settings: "timeout = 60\n", connections: first("VALUE k 0 2\r\nab\n", stall, value)},
		{name: "silence before the end", keys: "a|b", settings: "timeout = 1\n", connections: first("VALUE k 0 2\r\nab\r\n", stall, value)},
		{name: "silence after CR", keys: "a|b", settings: "timeout = 1\n", connections: first("END\r", stall, value)},
		{name: "always silent", keys: "a", settings: "timeout = 1\nmax_try = 3\n", connections: talk(turn{"VALUE k", stall})},
		{name: "always silent, with a backup", keys: "a", settings: "timeout = 1\n" + backup, connections: talk(turn{"VALUE k", stall})},
		{name: "negative time limit", keys: "a", settings: "timeout = -1\n", connections: reply(value), agreed: "refused, where Postfix panics when it is connected"},
		{name: "no time limit", keys: "a|b", settings: "timeout = 0\n", connections: reply(value)},
		{name: "negative numbers", keys: "a|b", settings: "ttl = -1\nflags = -5\n" + backup, connections: talk(say(again), say("STORED\r\n"), say(again), say("STORED\r\n"))},
		{name: "numbers with a sign and zeros", keys: "a", settings: "ttl = +010\n" + backup, connections: talk(say(again), say("STORED\r\n"))},
		{name: "never stored", keys: "a", settings: "max_try = 3\n" + backup, connections: talk(say(again), say("NO\r\n"))},
		{name: "stored at the second try", keys: "a|b", settings: backup, connections: [][]turn{{say(again), say("NO\r\n")}, {say("STORED\r\n"), say(value)}}},
		{name: "ends when it is to store", keys: "a|b", settings: backup, connections: [][]turn{{say(again), {"", end}}, {say("STORED\r\n"), say(value)}}},
		{name: "stored, in small letters", keys: "a", settings: backup, connections: talk(say(again), say("stored\r\n"))},
		{name: "stored, with a blank", keys: "a", settings: backup, connections: talk(say(again), say("STORED \r\n"))},
		{name: "end in small letters", keys: "a", connections: reply("end\r\n")},
		{name: "end with a blank", keys: "a", connections: reply("END \r\n")},
		{name: "two CR", keys: "a", connections: reply("END\r\r\n")},
		{name: "two values", keys: "a|b|c", connections: reply(value + value)},
		{name: "two ends", keys: "a|b|c", connections: reply(again + again)},
		{name: "reset", keys: "a|b", connections: first("", reset, value)},
		{name: "always reset", keys: "a", connections: talk(turn{"", reset})},
		{name: "line of the limit", keys: "a", settings: "line_size_limit = 11\n", connections: reply(value)},
		{name: "line over the limit", keys: "a", settings: "line_size_limit = 10\n", connections: reply(value)},
		{name: "value of the limit", keys: "a", connections: reply("VALUE k 0 10240\r\n" + longText[:10240] + "\r\nEND\r\n")},
		{name: "value over the limit", keys: "a", connections: reply("VALUE k 0 10241\r\n" + longText[:10241] + "\r\nEND\r\n")},
		{name: "no size", keys: "a", connections: reply("VALUE k 0\r\nv\r\nEND\r\n")},
		{name: "hexadecimal size", keys: "a", connections: reply("VALUE k 0 0x1\r\n\r\nEND\r\n")},
		{name: "sign and blank before the size", keys: "a", connections: reply("VALUE k 0 + 1\r\nv\r\nEND\r\n")},
		{name: "size of 64 bits", keys: "a", connections: reply("VALUE k 0 18446744073709551617\r\nv\r\nEND\r\n")},
		{name: "value is not UTF-8", keys: "a", connections: reply("VALUE k 0 1\r\n\xff\r\nEND\r\n")},
		{name: "8-bit reply", keys: "a", connections: reply("E\x01ü\xff" + longUTF8 + "\r\n")},
		{name: "keys", keys: oddKeys, connections: reply(value)},
	}, func(r *bufio.Reader) (string, error) {
		line, err := r.ReadString('\n')
		if strings.HasPrefix(line, "set ") && err == nil {
			var data string
			data, err = r.ReadString('\n')
			line += data
		}
		return line, err
	}, func(address, settings string) (string, string) {
		name := "/etc/postfix/memcache-" + strings.TrimPrefix(address, "127.0.0.1:")
		pf.WriteFile(name, "memcache = inet:"+address+"\n"+settings, 0o644)
		return "memcache:" + name, "memcache:" + pf.Path(name)
	})
}

package incoming

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/daemon/maillog"
	"github.com/qmqpd/qmqpd/daemon/mailstream"
	"github.com/qmqpd/qmqpd/daemon/rewrite"
	"github.com/qmqpd/qmqpd/daemon/spool"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// now is the time of all tests: 2026-11-22 10:35:00 UTC.
func now() time.Time { return time.Unix(1795343700, 260207000) }

func stock() Config {
	return Config{
		Hostname: "mx.example.org",
		Rewrite: rewrite.Rules{
			Origin: "mx.example.org", Domain: "example.org",
			AppendAtMyorigin: true, SwapBangpath: true, AllowPercentHack: true,
		},
		EmptyAddressRecipient: "MAILER-DAEMON",
		Filter:                true, BCC: true, Map: true, SMTPUTF8: true,
		EnableOriginalRecipient: true, DuplicateFilterLimit: 1000, AttributeLimit: 100, VERPFilter: "-=+",
		LineLengthLimit: 2048, HeaderSizeLimit: 102400, HeaderTokenLimit: 10240, HopcountLimit: 50,
		DropHeaders:      []string{"bcc", "content-length", "resent-bcc", "return-path"},
		TLSRequired:      true,
		ReplaceStrayCRLF: true, DetectEncoding: true, BoundaryLimit: 2048, NestingLimit: 100,
		Now: now,
	}
}

// bench is an Opener over a queue in memory, and its log.
type bench struct {
	*Opener
	memory *memory
	logger *maillog.Logger
	log    *bytes.Buffer
}

func newBench(t testing.TB, cfg Config, options spool.Options) *bench {
	t.Helper()
	b := &bench{memory: newMemory(), log: new(bytes.Buffer)}
	options.FS, options.Now, options.PID = b.memory, now, 1
	options.LongIDs = cfg.LongIDs
	options.MaxSize = cfg.MessageSizeLimit
	sp, err := spool.Open(".", options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sp.Close(context.Background()) })
	b.Opener = New(cfg, sp)
	b.logger = maillog.New(now)
	b.logger.Identify("x", 1, "mx", true)
	b.logger.AddPlain(b.log, "")
	return b
}

func (b *bench) open(t testing.TB) mailstream.Stream {
	t.Helper()
	s, err := b.Open(context.Background(), b.logger)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// write writes records of the form "TYPE data".
func write(t testing.TB, s mailstream.Stream, records ...string) {
	t.Helper()
	for _, r := range records {
		data := ""
		if len(r) > 1 {
			data = r[2:]
		}
		if err := s.WriteRecord(queuefmt.RecordType(r[0]), []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
}

// files returns the files of the queue as records, by path.
func (b *bench) files(t testing.TB) map[string][]string {
	t.Helper()
	result := make(map[string][]string)
	for path, f := range b.memory.files {
		parsed, err := queuefmt.Parse(f.data)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if f.mode != 0o700 {
			t.Errorf("%s: mode %v", path, f.mode)
		}
		for _, r := range parsed.Records {
			result[path] = append(result[path], strings.TrimRight(fmt.Sprintf("%c %s", r.Type, r.Data), " "))
		}
		if _, err := queuefmt.VerifyBytes(f.data); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	return result
}

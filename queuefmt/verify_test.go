package queuefmt

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
)

// build encodes records.
func build(records []Record) []byte {
	f := &File{}
	for _, r := range records {
		_ = f.WriteRecord(r.Type, r.Data)
	}
	return f.Bytes()
}

// whole is a small good file.
func whole() []Record {
	rec := func(t RecordType, data string) Record { return Record{Type: t, Data: []byte(data)} }
	recs := []Record{
		Size{}.Record(),
		rec(RecTime, "1795343700 239654"),
		rec(RecAttr, "create_time=1795343700"),
		rec(RecSender, "s@example.com"),
		rec(RecAttr, "dsn_orig_rcpt=rfc822;r@example.org"),
		rec(RecOrigRecipient, "r@example.org"),
		rec(RecRecipient, "r@example.org"),
		rec(RecMessage, ""),
		rec(RecNormal, "Subject: test"),
		rec(RecNormal, ""),
		rec(RecContinued, "bo"),
		rec(RecNormal, "dy"),
		rec(RecExtracted, ""),
		rec(RecAttr, "message_id=<1@example.com>"),
		rec(RecEnd, ""),
	}
	return withSize(recs)
}

// withSize makes the size record of recs[0] true.
func withSize(recs []Record) []Record {
	var s Size
	off := int64(0)
	for _, r := range recs {
		start := off
		off += int64(RecordSize(len(r.Data)))
		switch r.Type {
		case RecMessage:
			s.DataOffset = off
		case RecExtracted:
			s.DataSize, s.ContentLength = start-s.DataOffset, start-s.DataOffset
		case RecRecipient:
			s.Recipients++
		}
	}
	recs[0] = s.Record()
	return recs
}

func TestVerify(t *testing.T) {
	insert := func(recs []Record, i int, r ...Record) []Record {
		return append(append(append([]Record{}, recs[:i]...), r...), recs[i:]...)
	}
	without := func(recs []Record, i int) []Record {
		return append(append([]Record{}, recs[:i]...), recs[i+1:]...)
	}
	tests := []struct {
		name      string
		file      func() []byte
		err       string
		tolerated []string
	}{
		{name: "good", file: func() []byte { return build(whole()) }},
		{name: "empty", file: func() []byte { return nil }, err: "offset 0: missing message content record"},
		{name: "text", file: func() []byte { return []byte("Zxx") }, err: "offset 0: unexpected EOF in data, record type 90 length 120"},
		{name: "text record", file: func() []byte { return []byte("N\x01x") }, err: "offset 0: not a queue file: first record type 'N'"},
		{name: "no time", file: func() []byte { return build(withSize(without(whole(), 1))) }, err: "offset 202: missing arrival time record"},
		{name: "no sender", file: func() []byte { return build(withSize(without(whole(), 3))) }, err: "offset 206: missing sender record"},
		{name: "time zero", file: func() []byte {
			r := whole()
			r[1].Data = []byte("0 1")
			return build(withSize(r))
		}, err: `offset 97: arrival time record without a time: "0 1"`},
		{name: "time after time zero", file: func() []byte {
			return build(withSize(insert(whole(), 1, Record{Type: 'T', Data: []byte("0")})))
		}},
		{name: "no size", file: func() []byte { return build(without(whole(), 0)) },
			err: "offset 124: missing size record", tolerated: []string{"offset 0: first record is not the size record"}},
		{name: "size zero", file: func() []byte { r := whole(); r[0] = Size{}.Record(); return build(r) },
			err: "offset 0: invalid size record: data size 0, data offset 0"},
		{name: "size text", file: func() []byte { r := whole(); r[0].Data = []byte("1 x"); return build(r) },
			err: `offset 0: size record has 1 of 3 numbers: "1 x"`},
		{name: "size flags", file: func() []byte {
			r := whole()
			s, _ := ParseSize(r[0].Data)
			s.QMgrFlags = 32
			r[0] = s.Record()
			return build(r)
		}, err: "offset 0: invalid flags in size record: 32"},
		{name: "data size too small", file: func() []byte {
			r := whole()
			s, _ := ParseSize(r[0].Data)
			s.DataSize--
			r[0] = s.Record()
			return build(r)
		}, err: "offset 248: content takes 25 bytes, size record says 24"},
		{name: "data offset off by one", file: func() []byte {
			r := whole()
			s, _ := ParseSize(r[0].Data)
			s.DataOffset++
			r[0] = s.Record()
			return build(r)
		}, err: "offset 221: content starts at offset 223, size record says 224"},
		{name: "count", file: func() []byte {
			r := whole()
			s, _ := ParseSize(r[0].Data)
			s.Recipients = 5
			r[0] = s.Record()
			return build(r)
		}, tolerated: []string{"offset 0: rcpt count mismatch (4)"}},
		{name: "unknown type", file: func() []byte {
			return build(withSize(insert(whole(), 5, Record{Type: 'Z'})))
		}, err: "offset 191: unexpected record type 'Z' in the envelope group"},
		{name: "envelope type in content", file: func() []byte {
			return build(withSize(insert(whole(), 9, Record{Type: 'R'})))
		}, err: "offset 238: unexpected record type 'R' in the content group"},
		{name: "end in envelope", file: func() []byte {
			return build(withSize(insert(whole(), 3, Record{Type: 'E'})))
		}, err: "offset 140: unexpected record type 'E' in the envelope group"},
		{name: "extracted type in envelope", file: func() []byte {
			return build(withSize(insert(whole(), 3, Record{Type: 'e'})))
		}, tolerated: []string{"offset 140: record type 'e' does not belong in the envelope group"}},
		{name: "bad attribute", file: func() []byte {
			return build(withSize(insert(whole(), 3, Record{Type: 'A', Data: []byte("x y")})))
		}, err: `offset 140: bad attribute record: missing '=' after attribute name: "x y"`},
		{name: "two originals", file: func() []byte {
			return build(withSize(insert(whole(), 5, Record{Type: 'O'})))
		}, tolerated: []string{"offset 191: ignoring out-of-order original recipient"}},
		{name: "original after the last recipient", file: func() []byte {
			return build(withSize(insert(whole(), 7, Record{Type: 'O'})))
		}, tolerated: []string{"offset 221: ignoring out-of-order original recipient"}},
		{name: "sender after recipient", file: func() []byte {
			r := whole()
			r[3], r[6] = r[6], r[3]
			return build(withSize(r))
		}, tolerated: []string{
			"offset 206: sender record after a recipient",
			"offset 155: ignoring out-of-order DSN original recipient address",
			"offset 191: ignoring out-of-order original recipient",
		}},
		{name: "second sender", file: func() []byte {
			return build(withSize(insert(whole(), 4, Record{Type: 'S'})))
		}, tolerated: []string{"offset 155: ignored: second sender record"}},
		{name: "VERP", file: func() []byte {
			return build(withSize(insert(whole(), 4, Record{Type: 'V', Data: []byte("-=")})))
		}},
		{name: "VERP delimiters", file: func() []byte {
			return build(withSize(insert(whole(), 4, Record{Type: 'V', Data: []byte("!=")})))
		}, tolerated: []string{`offset 155: ignoring bad VERP request: "!="`}},
		{name: "VERP before sender", file: func() []byte {
			return build(withSize(insert(whole(), 3, Record{Type: 'V', Data: []byte("-=")})))
		}, tolerated: []string{"offset 140: ignoring VERP request for null sender"}},
		{name: "notify flags", file: func() []byte {
			return build(withSize(insert(whole(), 5, Record{Type: 'A', Data: []byte("notify_flags=16")})))
		}, tolerated: []string{`offset 191: ignoring malformed DSN notify flags "16"`}},
		{name: "bad notify flags after good ones", file: func() []byte {
			return build(withSize(insert(whole(), 5, Record{Type: 'A', Data: []byte("notify_flags=2")}, Record{Type: 'A', Data: []byte("notify_flags=x")})))
		}, tolerated: []string{"offset 191: ignoring out-of-order DSN notify flags", `offset 207: ignoring malformed DSN notify flags "x"`}},
		{name: "attributes of which one counts", file: func() []byte {
			twice := func(name string) []Record {
				r := Record{Type: 'A', Data: []byte(name + "=a")}
				return []Record{r, r}
			}
			return build(withSize(insert(whole(), 4, slices.Concat(twice("log_ident"), twice("sasl_method"), twice("encoding"),
				twice("sasl_username"), twice("sasl_sender"), twice("rewrite_context"))...)))
		}, tolerated: []string{"offset 168: ignoring multiple log_ident attribute", "offset 196: ignoring multiple sasl_method attribute",
			"offset 252: ignoring multiple sasl_username attribute", "offset 284: ignoring multiple sasl_sender attribute",
			"offset 318: ignoring multiple rewrite_context attribute"}},
		{name: "notify flags again after bad ones", file: func() []byte {
			return build(withSize(insert(whole(), 5, Record{Type: 'A', Data: []byte("notify_flags=2")}, Record{Type: 'A', Data: []byte("notify_flags=0")}, Record{Type: 'A', Data: []byte("notify_flags=2")})))
		}, tolerated: []string{"offset 191: ignoring out-of-order DSN notify flags", `offset 207: ignoring malformed DSN notify flags "0"`}},
		{name: "ret flags with a sign", file: func() []byte {
			return build(withSize(insert(whole(), 3, Record{Type: 'A', Data: []byte("ret_flags=+1")})))
		}, tolerated: []string{`offset 140: ignoring malformed DSN RET flags "+1"`}},
		{name: "envelope id, which cleanup has looked at", file: func() []byte {
			return build(withSize(insert(whole(), 3, Record{Type: 'A', Data: []byte("envelope_id=a\x01")})))
		}},
		{name: "padding in the envelope", file: func() []byte {
			return build(withSize(insert(whole(), 3, Record{Type: 'w', Data: []byte("0")})))
		}, err: "offset 140: unexpected record type 'w' in the envelope group"},
		{name: "ret flags", file: func() []byte {
			return build(withSize(insert(whole(), 3, Record{Type: 'A', Data: []byte("ret_flags=3")})))
		}, tolerated: []string{`offset 140: ignoring malformed DSN RET flags "3"`}},
		{name: "truncated", file: func() []byte { b := build(whole()); return b[:len(b)-2] },
			err: "offset 278: missing end record"},
		{name: "truncated in data", file: func() []byte { b := build(whole()); return b[:len(b)-4] },
			err: "offset 250: unexpected EOF in data, record type 65 length 26"},
		{name: "truncated in content", file: func() []byte { b := build(whole()); return b[:248] },
			err: "offset 248: missing extracted segment record"},
		{name: "trailing", file: func() []byte { return append(build(whole()), "x"...) },
			tolerated: []string{"offset 280: data after the end record"}},
		{name: "placeholder pointer", file: func() []byte {
			return build(withSize(insert(whole(), 7, PointerRecord(0))))
		}},
		{name: "pointer to itself", file: func() []byte {
			return build(withSize(insert(whole(), 7, PointerRecord(221))))
		}, err: "offset 221: too many reverse jump records"},
		{name: "pointer past the end", file: func() []byte {
			return build(withSize(insert(whole(), 7, PointerRecord(99999))))
		}, err: "offset 221: pointer record leads behind the end of the file, to 99999"},
		{name: "pointer of text", file: func() []byte {
			return build(withSize(insert(whole(), 7, Record{Type: 'p', Data: []byte("  12a")})))
		}, err: "offset 221: malformed pointer record value: 12a"},
		{name: "length bytes", file: func() []byte { return []byte("C\x80\x80\x80\x80\x01") },
			err: "offset 0: too many length bits, record type 67"},
		{name: "length cut", file: func() []byte { return []byte("C\x80") },
			err: "offset 0: unexpected EOF reading length, record type 67"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			report, err := VerifyBytes(tt.file())
			got := ""
			if err != nil {
				got = err.Error()
				var f *FormatError
				if !errors.As(err, &f) || f.Tolerated {
					t.Errorf("not a fatal *FormatError: %#v", err)
				}
			}
			if got != tt.err {
				t.Errorf("error\n %s\nwant\n %s", got, tt.err)
			}
			var tolerated []string
			for _, f := range report.Tolerated {
				tolerated = append(tolerated, f.Error())
			}
			if fmt.Sprint(tolerated) != fmt.Sprint(tt.tolerated) {
				t.Errorf("tolerated\n %q\nwant\n %q", tolerated, tt.tolerated)
			}
		})
	}
}

// TestVerifyMaildrop: what sendmail(1) writes for pickup(8) is no damaged file, and is
// not judged by what only qmgr(8) looks at. The compat test TestPickupVerdict has more.
func TestVerifyMaildrop(t *testing.T) {
	file := func(edit func(recs []Record) []Record) []byte { return build(edit(slices.Delete(whole(), 0, 3))) }
	before := func(i int, records ...string) []byte {
		return file(func(r []Record) []Record {
			i = min(i, len(r)-1)
			for j, text := range records {
				r = slices.Insert(r, i+j, Record{Type: RecordType(text[0]), Data: []byte(text[1:])})
			}
			return r
		})
	}
	for _, row := range []struct {
		name      string
		file      []byte
		err       string
		tolerated string
	}{
		{"without size and time", file(func(r []Record) []Record { return r }), "", "[]"},
		{"with a size, put back by postsuper", build(whole()), "", "[]"},
		{"with a false size", file(func(r []Record) []Record { return slices.Insert(r, 0, Record{Type: 'C', Data: []byte("1 2 3")}) }), "", "[]"},
		{"second time", file(func(r []Record) []Record {
			return slices.Insert(r, 0, Record{Type: 'T', Data: []byte("1")}, Record{Type: 'T', Data: []byte("2")})
		}), "", "[offset 3: ignored: second arrival time record]"},
		{"no sender", file(func(r []Record) []Record { return r[1:] }), "offset 36: missing sender record", "[]"},
		{"no sender and no recipient", file(func(r []Record) []Record { return r[4:] }), "offset 0: missing sender record", "[]"},
		{"second sender", file(func(r []Record) []Record { return slices.Insert(r, 1, r[0]) }), "offset 15: second sender record", "[]"},
		{"no recipient", file(func(r []Record) []Record { return slices.Delete(r, 1, 4) }), "offset 72: missing recipient record", "[]"},
		{"sender in extracted", file(func(r []Record) []Record { return slices.Insert(r, len(r)-1, r[0]) }), "offset 138: unexpected record type 'S' in the extracted group", "[]"},
		{"ret flags", file(func(r []Record) []Record {
			return slices.Insert(r, 0, Record{Type: 'A', Data: []byte("ret_flags=7")})
		}), `offset 0: malformed DSN RET flags "7"`, "[]"},
		{"ret flags in extracted", before(14, "Aret_flags=7"), "", `[offset 138: ignoring malformed DSN RET flags "7"]`},
		{"ret flags without a value", before(0, "Aret_flags="), "", `[offset 0: ignoring attribute "ret_flags" without a value]`},
		{"envelope id", before(1, "Aenvelope_id=a\x01"), `offset 15: malformed DSN envelope ID "a\x01"`, "[]"},
		{"envelope id in extracted", before(14, "Aenvelope_id=a\x01"), "", "[]"},
		{"rewrite context", before(1, "Arewrite_context=x"), `offset 15: malformed attribute rewrite_context: "x"`, "[]"},
		{"good ones", before(1, "Aenvelope_id=a ~", "Arewrite_context=local", "Atrace_flags=10"), "", "[]"},
		{"another rewrite context", before(1, "Arewrite_context=remote"), "", "[]"},
		{"done recipient before the sender", before(0, "Dx"), "offset 0: missing sender record", "[]"},
		{"canceled recipient before the sender", before(0, "/x"), "offset 0: missing sender record", "[]"},
		{"DSN records before the sender", before(0, "nx"), "offset 0: missing sender record", "[]"},
		{"more DSN records before the sender", before(0, "ox"), "offset 0: missing sender record", "[]"},
		{"trace flags", before(1, "Atrace_flags=1x"), `offset 15: malformed attribute trace_flags: "1x"`, "[]"},
		{"trace flags in extracted", before(14, "Atrace_flags=1x"), "", "[]"},
		{"original before the sender", before(0, "Ox"), "offset 0: missing sender record", "[]"},
		{"killed record before the sender", before(0, "Kx"), "offset 0: missing sender record", "[]"},
		{"DSN original before the sender", before(0, "Adsn_orig_rcpt=x"), "", "[offset 0: ignoring out-of-order DSN original recipient address]"},
		{"time zero", before(0, "T0"), `offset 0: arrival time record without a time: "0"`, "[]"},
		{"time after time zero", before(0, "T0", "T1"), "", "[]"},
		{"padding", before(1, "w0"), "", "[]"},
		{"cut", file(func(r []Record) []Record { return r[:len(r)-1] }), "offset 138: missing end record", "[]"},
	} {
		report, err := VerifyOptions{Maildrop: true}.Verify(bytes.NewReader(row.file))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if tolerated := fmt.Sprint(report.Tolerated); got != row.err || tolerated != row.tolerated {
			t.Errorf("%s: %q, %s; want %q, %s", row.name, got, tolerated, row.err, row.tolerated)
		}
	}
}

func TestVerifySamples(t *testing.T) {
	for name, b := range samples(t) {
		report, err := VerifyBytes(b)
		if err != nil || len(report.Tolerated) > 0 {
			t.Errorf("%s: %v %v", name, err, report.Tolerated)
		}
		if report.End != int64(len(b)) {
			t.Errorf("%s: ends at %d of %d", name, report.End, len(b))
		}
		// No prefix of a good file is good.
		for n := range len(b) {
			if _, err := VerifyBytes(b[:n]); err == nil {
				t.Errorf("%s: the first %d bytes pass", name, n)
			}
		}
		// Neither is one whose size record is wrong.
		if _, err := VerifyBytes(bytes.Replace(b, fmt.Appendf(nil, "%15d %15d", report.Size.DataSize, report.Size.DataOffset),
			fmt.Appendf(nil, "%15d %15d", report.Size.DataSize+1, report.Size.DataOffset), 1)); err == nil {
			t.Errorf("%s: passes with a wrong data size", name)
		}
	}
}

// TestVerifyOptions: which VERP delimiters are good is the caller's to say, and
// what is not listed is counted.
func TestVerifyOptions(t *testing.T) {
	verp := build(withSize(slices.Insert(whole(), 4, Record{Type: 'V', Data: []byte("!=")})))
	times := whole()
	for range 150 {
		times = slices.Insert(times, 3, Record{Type: 'T', Data: []byte("1")})
	}
	many := build(withSize(times))
	for _, row := range []struct {
		name             string
		options          VerifyOptions
		file             []byte
		listed, unlisted int
	}{
		{"the default filter", VerifyOptions{}, verp, 1, 0},
		{"another filter", VerifyOptions{VERPDelimiterFilter: "!="}, verp, 0, 0},
		{"a filter without the first", VerifyOptions{VERPDelimiterFilter: "="}, verp, 1, 0},
		{"a filter without the second", VerifyOptions{VERPDelimiterFilter: "!"}, verp, 1, 0},
		{"many faults", VerifyOptions{}, many, 100, 50},
		{"a longer list", VerifyOptions{MaxTolerated: 150}, many, 150, 0},
		{"a shorter list", VerifyOptions{MaxTolerated: 1}, many, 1, 149},
		{"no list", VerifyOptions{MaxTolerated: -1}, many, 0, 150},
	} {
		report, err := row.options.Verify(bytes.NewReader(row.file))
		if err != nil || len(report.Tolerated) != row.listed || report.MoreTolerated != int64(row.unlisted) {
			t.Errorf("%s: %d listed and %d not, %v; want %d and %d", row.name, len(report.Tolerated), report.MoreTolerated, err, row.listed, row.unlisted)
		}
	}
}

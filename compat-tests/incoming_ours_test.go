package compat

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/qmqpd/qmqpd/daemon/incoming"
	"github.com/qmqpd/qmqpd/daemon/qmqp"
	"github.com/qmqpd/qmqpd/daemon/rewrite"
	"github.com/qmqpd/qmqpd/daemon/spool"
	"github.com/qmqpd/qmqpd/queuefmt"
)

func oursWith(t *testing.T, set settings) *ours {
	get := func(name, std string) string {
		if v, ok := set[name]; ok {
			return v
		}
		return std
	}
	yes := func(name string, std bool) bool {
		if v, ok := set[name]; ok {
			return v == "yes"
		}
		return std
	}
	num := func(name string, std int) int {
		n, err := strconv.Atoi(get(name, strconv.Itoa(std)))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	list := func(s string) []string {
		return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' })
	}
	level0 := get("compatibility_level", "3.9") == "0"
	cfg := incoming.Config{
		Hostname: "mx.example.org",
		Rewrite: rewrite.Rules{
			Origin: get("myorigin", "mx.example.org"), Domain: "example.org",
			AppendAtMyorigin: yes("append_at_myorigin", true), AppendDotMydomain: yes("append_dot_mydomain", level0),
			SwapBangpath: yes("swap_bangpath", true), AllowPercentHack: yes("allow_percent_hack", true),
		},
		EmptyAddressRecipient: get("empty_address_recipient", "MAILER-DAEMON"),
		Filter:                true, BCC: true, Map: true,
		AutoUTF8:                get("smtputf8_autodetect_classes", "") == "all",
		SMTPUTF8:                yes("smtputf8_enable", !level0),
		EnableOriginalRecipient: yes("enable_original_recipient", true),
		DuplicateFilterLimit:    num("duplicate_filter_limit", 1000),
		AttributeLimit:          num("queue_file_attribute_count_limit", 100),
		LineLengthLimit:         num("line_length_limit", 2048),
		HeaderSizeLimit:         num("header_size_limit", 102400),
		HeaderTokenLimit:        num("header_address_token_limit", 10240),
		HopcountLimit:           num("hopcount_limit", 50),
		DropHeaders:             list(get("message_drop_headers", "bcc, content-length, resent-bcc, return-path")),
		UndisclosedRecipients:   get("undisclosed_recipients_header", ""),
		TLSRequired:             yes("tls_required_enable", true),
		ReplaceStrayCRLF:        yes("cleanup_replace_stray_cr_lf", true),
		RejectCharacters:        incoming.Unescape(get("message_reject_characters", "")),
		StripCharacters:         incoming.Unescape(get("message_strip_characters", "")),
		DetectEncoding:          yes("detect_8bit_encoding_header", true),
		DisableMIME:             yes("disable_mime_input_processing", false),
		BoundaryLimit:           num("mime_boundary_length_limit", 2048),
		NestingLimit:            num("mime_nesting_limit", 100),
		ForceConversion:         yes("force_mime_input_conversion", false),
		Strict7BitHeaders:       yes("strict_7bit_headers", false),
		Strict8BitMIME:          yes("strict_8bitmime", false),
		Strict8BitMIMEBody:      yes("strict_8bitmime_body", false),
		StrictEncodingDomain:    yes("strict_mime_encoding_domain", false),
		LongIDs:                 yes("enable_long_queue_ids", false),
	}
	if get("receive_override_options", "") != "" {
		cfg.Filter, cfg.BCC, cfg.Map = false, false, false
	}
	if get("delay_warning_time", "") == "4h" {
		cfg.DelayWarningTime = 4 * time.Hour
	}
	session := qmqp.Config{
		Timeout: 10 * time.Second, MessageSizeLimit: int64(num("message_size_limit", 10240000)),
		LineLengthLimit: cfg.LineLengthLimit, ContentFilter: get("content_filter", ""),
		VERPFilter: "-=+", Hostname: "mx.example.org", MailName: "Postfix",
	}
	queue := spool.Options{
		LongIDs: cfg.LongIDs, MaxSize: session.MessageSizeLimit,
		Hashing: queuefmt.Hashing{Queues: list(get("hash_queue_names", "deferred, defer")), Depth: num("hash_queue_depth", 1)},
	}
	return newOurs(t, cfg, session, queue)
}

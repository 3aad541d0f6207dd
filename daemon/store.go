package daemon

import (
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-multierror"

	"github.com/qmqpd/qmqpd/daemon/cleanup"
	"github.com/qmqpd/qmqpd/daemon/incoming"
	"github.com/qmqpd/qmqpd/daemon/rewrite"
	"github.com/qmqpd/qmqpd/daemon/spool"
	"github.com/qmqpd/qmqpd/daemon/table"
	"github.com/qmqpd/qmqpd/mainconf"
	"github.com/qmqpd/qmqpd/params"
	"github.com/qmqpd/qmqpd/queuefmt"
)

// loadIncoming reads the parameters of cleanup(8) and trivial-rewrite(8) that
// decide what is in a queue file. flags are the cleanup flags of all messages.
// Errors are those of the two Effectives. The time zone is the caller's to set.
func loadIncoming(clean, rewriter *params.Effective, origin string, flags uint32) incoming.Config {
	return incoming.Config{
		Hostname: clean.String("myhostname"),
		Rewrite: rewrite.Rules{
			Origin:            origin,
			Domain:            rewriter.String("mydomain"),
			AppendAtMyorigin:  rewriter.Bool("append_at_myorigin"),
			AppendDotMydomain: rewriter.Bool("append_dot_mydomain"),
			SwapBangpath:      rewriter.Bool("swap_bangpath"),
			AllowPercentHack:  rewriter.Bool("allow_percent_hack"),
		},
		EmptyAddressRecipient: clean.String("empty_address_recipient"),

		Filter:   flags&cleanup.FlagFilter != 0,
		BCC:      flags&cleanup.FlagBCC != 0,
		Map:      flags&cleanup.FlagMap != 0,
		AutoUTF8: flags&cleanup.FlagAutoUTF8 != 0,
		SMTPUTF8: clean.Bool("smtputf8_enable"),

		EnableOriginalRecipient: clean.Bool("enable_original_recipient"),
		DuplicateFilterLimit:    clean.Int("duplicate_filter_limit"),
		DelayWarningTime:        clean.Duration("delay_warning_time"),
		AttributeLimit:          clean.Int("queue_file_attribute_count_limit"),
		VERPFilter:              clean.String("verp_delimiter_filter"),

		MessageSizeLimit:      max(0, clean.Long("message_size_limit")),
		LineLengthLimit:       clean.Int("line_length_limit"),
		HeaderSizeLimit:       clean.Int("header_size_limit"),
		HeaderTokenLimit:      clean.Int("header_address_token_limit"),
		HopcountLimit:         clean.Int("hopcount_limit"),
		DropHeaders:           mainconf.SplitList(clean.String("message_drop_headers")),
		UndisclosedRecipients: clean.String("undisclosed_recipients_header"),
		TLSRequired:           clean.Bool("tls_required_enable"),

		ReplaceStrayCRLF: clean.Bool("cleanup_replace_stray_cr_lf"),
		RejectCharacters: incoming.Unescape(clean.String("message_reject_characters")),
		StripCharacters:  incoming.Unescape(clean.String("message_strip_characters")),
		DetectEncoding:   clean.Bool("detect_8bit_encoding_header"),
		DisableMIME:      clean.Bool("disable_mime_input_processing"),
		BoundaryLimit:    clean.Int("mime_boundary_length_limit"),
		NestingLimit:     clean.Int("mime_nesting_limit"),
		ForceConversion:  clean.Bool("force_mime_input_conversion"),

		Strict7BitHeaders:    clean.Bool("strict_7bit_headers"),
		Strict8BitMIME:       clean.Bool("strict_8bitmime"),
		Strict8BitMIMEBody:   clean.Bool("strict_8bitmime_body"),
		StrictEncodingDomain: clean.Bool("strict_mime_encoding_domain"),

		LongIDs:              clean.Bool("enable_long_queue_ids"),
		LogInternalAddresses: strings.EqualFold(clean.String("info_log_address_format"), "internal"),
		Now:                  time.Now,
	}
}

// Parameters that change nothing in a queue file of QMQP mail, but without whose being
// proper the programs would not start. Nobody shall find that out the day that Postfix
// takes over.
//
// Source: Postfix 3.10 cleanup_init.c, trivial-rewrite.c.
var (
	idleInCleanup = []string{
		"always_add_missing_headers", "disable_verp_bounces", "full_name_encoding_charset", "remote_header_rewrite_domain",
		"milter_connect_timeout", "milter_command_timeout", "milter_content_timeout", "milter_protocol", "milter_default_action",
		"milter_macro_daemon_name", "milter_macro_v", "milter_macro_defaults", "milter_header_checks", "milter_connect_macros",
		"milter_helo_macros", "milter_mail_macros", "milter_rcpt_macros", "milter_data_macros", "milter_end_of_header_macros",
		"milter_end_of_data_macros", "milter_unknown_command_macros",
	}
	idleInRewrite = []string{
		"transport_maps", "local_transport", "virtual_transport", "relay_transport", "default_transport", "virtual_alias_maps",
		"virtual_alias_domains", "virtual_mailbox_maps", "virtual_mailbox_domains", "relocated_maps", "empty_address_recipient",
		"address_verify_transport_maps", "address_verify_local_transport", "address_verify_virtual_transport",
		"address_verify_relay_transport", "address_verify_default_transport", "address_verify_relayhost", "remote_header_rewrite_domain",
		"sender_dependent_relayhost_maps", "empty_address_relayhost_maps_lookup_key", "address_verify_sender_dependent_relayhost_maps",
		"sender_dependent_default_transport_maps", "empty_address_default_transport_maps_lookup_key",
		"address_verify_sender_dependent_default_transport_maps", "resolve_dequoted_address", "show_user_unknown_table_name",
		"resolve_null_domain", "resolve_numeric_domain", "allow_min_user", "relocated_prefix_enable",
	}
	// Lists of tables that the programs open and that do nothing here.
	idleTablesInCleanup = []string{"milter_header_checks"}
	idleTablesInRewrite = []string{
		"transport_maps", "address_verify_transport_maps", "sender_dependent_relayhost_maps", "address_verify_sender_dependent_relayhost_maps",
		"sender_dependent_default_transport_maps", "address_verify_sender_dependent_default_transport_maps", "relocated_maps",
	}
)

// checkTables returns an error for each list of lookup tables with which a program
// would not start, whether there are such tables or not.
func checkTables(eff *params.Effective, names []string) error {
	var errs *multierror.Error
	seen := make(map[string]bool) // the default of one is another one
	for _, name := range names {
		value := eff.String(name)
		if err := table.CheckMaps(value); err != nil && !seen[value] {
			errs = multierror.Append(errs, aboutSetting(name, err))
		}
		seen[value] = true
	}
	return errs.ErrorOrNil()
}

// cleanupTables are all lists of tables that cleanup(8) opens, those too that
// receive_override_options turns off.
func cleanupTables() []string {
	names := slices.Clone(idleTablesInCleanup)
	for _, p := range mapParameters {
		names = append(names, p.name)
	}
	return names
}

// loadSpool reads the parameters of cleanup(8) that decide where queue files
// are and how they are called.
func loadSpool(clean *params.Effective) spool.Options {
	return spool.Options{
		LongIDs: clean.Bool("enable_long_queue_ids"),
		Hashing: queuefmt.Hashing{
			Queues: mainconf.SplitList(clean.String("hash_queue_names")),
			Depth:  clean.Int("hash_queue_depth"),
		},
		MaxSize:     max(0, clean.Long("message_size_limit")),
		Wake:        "public/" + clean.String("queue_service_name"),
		WakeTimeout: clean.Duration("trigger_timeout"),
	}
}

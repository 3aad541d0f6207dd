package daemon

import "testing"

func TestCleanupFlags(t *testing.T) {
	tests := []struct {
		value string
		flags uint32
		err   string
	}{
		{"", 114, ""},
		{"no_address_mappings", 66, ""},
		{"no_header_body_checks", 112, ""},
		{"no_milters", 50, ""},
		{"no_unknown_recipient_checks", 114, ""},
		{"no_unknown_recipient_checks,, no_address_mappings\tno_header_body_checks no_milters", 0, ""},
		{"no_milters,foo", 0, `unknown receive_override_options value "foo" in "no_milters,foo"`},
		{"No_Milters", 0, `unknown receive_override_options value "No_Milters" in "No_Milters"`},
	}
	for _, tt := range tests {
		t.Run(tt.value, func(t *testing.T) {
			flags, err := cleanupFlags(tt.value)
			text := ""
			if err != nil {
				text = err.Error()
			}
			if flags != tt.flags || text != tt.err {
				t.Errorf("got %d, %q", flags, text)
			}
		})
	}
}

func TestAutodetect(t *testing.T) {
	tests := []struct {
		value   string
		on      bool
		warning string
		err     string
	}{
		{"", false, "", ""},
		{"sendmail, verify", false, "", ""},
		{"sendmail,qmqpd", true, "", ""},
		{"all", true, "", ""},
		{", ,", false, "smtputf8_autodetect_classes: bad input: , ,", ""},
		{"qmqpd foo", false, "", `unknown smtputf8_autodetect_classes value "foo" in "qmqpd foo"`},
		{"QMQPD", false, "", `unknown smtputf8_autodetect_classes value "QMQPD" in "QMQPD"`},
	}
	for _, tt := range tests {
		t.Run(tt.value, func(t *testing.T) {
			on, warning, err := autodetect(tt.value)
			text := ""
			if err != nil {
				text = err.Error()
			}
			if on != tt.on || warning != tt.warning || text != tt.err {
				t.Errorf("got %v, %q, %q", on, warning, text)
			}
		})
	}
}

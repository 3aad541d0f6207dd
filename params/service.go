package params

import (
	"iter"
	"slices"
)

// ServiceParam is a parameter that exists for each master.cf entry which runs
// a certain program. Its name is the service name followed by Suffix; its
// default is "$" followed by Default.
type ServiceParam struct {
	Suffix  string
	Default string
}

// serviceParams start with the one of pipe(8) and spawn(8); the others are
// those of a delivery transport.
var serviceParams = [...]ServiceParam{
	{"_time_limit", "command_time_limit"},
	{"_recipient_limit", "default_recipient_limit"},
	{"_extra_recipient_limit", "default_extra_recipient_limit"},
	{"_recipient_refill_limit", "default_recipient_refill_limit"},
	{"_recipient_refill_delay", "default_recipient_refill_delay"},
	{"_delivery_slot_cost", "default_delivery_slot_cost"},
	{"_delivery_slot_loan", "default_delivery_slot_loan"},
	{"_delivery_slot_discount", "default_delivery_slot_discount"},
	{"_minimum_delivery_slots", "default_minimum_delivery_slots"},
	{"_initial_destination_concurrency", "initial_destination_concurrency"},
	{"_destination_concurrency_limit", "default_destination_concurrency_limit"},
	{"_destination_recipient_limit", "default_destination_recipient_limit"},
	{"_destination_concurrency_positive_feedback", "default_destination_concurrency_positive_feedback"},
	{"_destination_concurrency_negative_feedback", "default_destination_concurrency_negative_feedback"},
	{"_destination_concurrency_failed_cohort_limit", "default_destination_concurrency_failed_cohort_limit"},
	{"_destination_rate_delay", "default_destination_rate_delay"},
	{"_transport_rate_delay", "default_transport_rate_delay"},
}

// ServiceParams iterates over the parameters that exist for a master.cf entry with
// the given command field. The field must be the program's name without a
// directory. Source: Postfix 3.10 postconf_service.c.
func ServiceParams(command string) iter.Seq[ServiceParam] {
	var all []ServiceParam
	switch command {
	case "local", "error", "virtual", "smtp", "lmtp":
		all = serviceParams[1:]
	case "pipe":
		all = serviceParams[:]
	case "spawn":
		all = serviceParams[:1]
	}
	return slices.Values(all)
}

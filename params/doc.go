// Package params knows the configuration parameters of Postfix 3.7 to 3.11 and
// what a main.cf file makes of them.
//
// A [Profile] is a Postfix version together with the distribution that built
// it. It answers which parameters exist, of which kind they are, and what their
// defaults and bounds are ([Profile.Lookup], [Profile.Params]), and [Changes]
// what differs between two.
//
// Postfix evaluates parameters in two ways, and so does this package:
//
//   - A [Resolver] sees all settings and all defaults at once, as postconf(1)
//     does. It also tells where a value was set.
//   - An [Effective] is the configuration of one daemon process. It converts
//     values to their kinds and checks their bounds, and it sees the defaults
//     of those parameters only that it has read before: a reference to one that
//     is neither set nor yet read expands to nothing. [Effective.ReadCommon]
//     reads and checks the parameters that all Postfix programs have in common.
//
// All of it builds on any Unix.
//
// Nothing is printed. Warnings are collected for the caller; errors carry
// the text with which a Postfix program would end.
//
// Sources: Postfix 3.10 mail_params.c, mail_conf_*.c, mynetworks.c,
// own_inet_addr.c, postconf_builtin.c, postconf_service.c, and the program
// files from which the table was extracted.
package params

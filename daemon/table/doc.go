// Package table holds Postfix lookup tables: a specification "type:name" is
// opened once and then answers keys with values, with Postfix's own rules for
// keys, folding, errors and change detection.
//
// A [Set] opens tables and shares them: the same specification with the same
// flags is one table, as in Postfix's dictionary registry. Tables are opened
// before the process enters its jail and are looked up afterwards; what each
// type still needs inside the jail is said in its own file. Every table is
// safe for use by many goroutines at once.
//
// A table that cannot be opened does not stop the program: its reason is
// logged as an error and a table takes its place that answers every lookup
// with a warning and a temporary error (see unavailable.go). The type of an
// error says whether a lookup may be tried again ([Retry]), the configuration
// is wrong ([Config]), or Postfix would end the process ([Fatal]).
//
// The package reads no configuration and knows no parameter names; paths,
// limits and the logger come in through [Options]. It does not write tables.
//
// Source: Postfix 3.10 dict(3), dict_open(3) and the dict_* modules.
package table

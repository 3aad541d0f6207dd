// Package postconf is the option logic and the exact printing of postconf(1):
// every mode that reads main.cf and master.cf, its conflicts, its warnings and
// its quirks, for each Postfix version that package params knows.
//
// A Request holds what the command line asks for. Its options are given one by
// one, in command-line order, because some of stock's complaints depend on the
// order. Run answers it.
//
// Where stock's order is that of a hash table with a random seed, this package
// sorts by name, as Postfix 3.11 began to do. Where stock reads a file that
// has just changed again and again for up to two seconds, this package takes
// one snapshot, and answers as stock does for an old file.
//
// Editing (-e, -X, -#) is refused.
//
// Sources: Postfix 3.10 src/postconf, and 3.7, 3.8, 3.9, 3.11 where they
// differ. The differences are known by comparing the two programs, see
// compat-tests/postconf_test.go.
package postconf

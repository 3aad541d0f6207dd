package postconf

// traits are the ways in which the postconf of one Postfix version differs
// from that of others, besides the parameters that it knows.
type traits struct {
	quiet           bool // -q
	lastProgram     bool // $process_name is that of the last entry with the name and type
	nullWarnings    bool // null bytes are warned about
	commentCheck    bool // "#comment after other text"
	regexTables     bool // the patterns of inline regexp: and pcre: tables are no lists
	fullPaths       bool // messages about braces name the file with its directory
	debugTables     bool // debug:type:name
	functions       bool // ${name{text}}; raw parameters are not expanded within others
	json            bool // -j, -PP
	sortedUnused    bool // unused and deprecated settings are warned about by name
	deprecationHint bool // the last line points to DEPRECATION_README
}

func (p Program) traits() traits {
	v := p.Profile.Normalized().Version
	return traits{
		lastProgram:     v < 3_07_06 || v == 3_08_00,
		nullWarnings:    v >= 3_09_00,
		commentCheck:    v >= 3_08_00,
		regexTables:     v >= 3_08_00,
		fullPaths:       v >= 3_08_00,
		quiet:           v >= 3_09_00,
		debugTables:     v >= 3_11_00,
		functions:       v >= 3_11_00,
		json:            v >= 3_11_00,
		sortedUnused:    v >= 3_11_00,
		deprecationHint: v >= 3_11_00,
	}
}

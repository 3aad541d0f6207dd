package main

import (
	"fmt"

	"github.com/alecthomas/kong"
)

// rawText is an argument whose bytes are taken as they are. Kong's own strings
// lose bytes that are not UTF-8, and addresses need not be.
type rawText string

// Decode implements kong.MapperValue.
func (r *rawText) Decode(ctx *kong.DecodeContext) error {
	token, err := ctx.Scan.PopValue("string")
	if err != nil {
		return err
	}
	*r = rawText(fmt.Sprint(token.Value))
	return nil
}

func texts(raw []rawText) []string {
	s := make([]string, len(raw))
	for i, r := range raw {
		s[i] = string(r)
	}
	return s
}

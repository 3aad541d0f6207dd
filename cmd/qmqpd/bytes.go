package main

import (
	"errors"
	"fmt"

	"github.com/alecthomas/kong"
)

// rawText is an argument whose bytes are taken as they are. Kong's own strings
// lose bytes that are not UTF-8, and addresses and file names need not be.
type rawText string

// Decode implements kong.MapperValue.
func (r *rawText) Decode(ctx *kong.DecodeContext) error {
	text, err := popText(ctx)
	*r = rawText(text)
	return err
}

// name is an argument that is there and not empty: an empty one is a variable
// of the caller's that was not set, and never what he wanted.
type name string

// Decode implements kong.MapperValue.
func (n *name) Decode(ctx *kong.DecodeContext) error {
	text, err := popText(ctx)
	if err == nil && text == "" {
		err = errors.New("the value is empty")
	}
	*n = name(text)
	return err
}

// popText takes the next argument. Since values may begin with a hyphen, kong does
// not see that there is none.
func popText(ctx *kong.DecodeContext) (string, error) {
	token := ctx.Scan.Pop()
	if token.IsEOL() {
		return "", errors.New("missing value")
	}
	return fmt.Sprint(token.Value), nil
}

func texts[T ~string](list []T) []string {
	s := make([]string, len(list))
	for i, text := range list {
		s[i] = string(text)
	}
	return s
}

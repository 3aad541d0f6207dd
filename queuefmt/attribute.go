package queuefmt

import (
	"bytes"
	"errors"
)

// The errors of ParseAttribute. Their texts are those of Postfix
// (split_nameval).
var (
	ErrAttributeName  = errors.New("missing attribute name")
	ErrAttributeEqual = errors.New("missing '=' after attribute name")
)

// ParseAttribute splits the data of an attribute record into name and value,
// cut at the first NUL and without the white space around both. They share
// the bytes of data; to append to them leaves data as it is. The error is
// ErrAttributeName or ErrAttributeEqual.
func ParseAttribute(data []byte) (name, value []byte, err error) {
	b := trimLeft(cutNUL(data))
	if len(b) == 0 || b[0] == '=' {
		return nil, nil, ErrAttributeName
	}
	end := 0
	for end < len(b) && !isSpace(b[end]) && b[end] != '=' {
		end++
	}
	name, b = b[:end], trimLeft(b[end:])
	if len(b) == 0 || b[0] != '=' {
		return nil, nil, ErrAttributeEqual
	}
	value = trimLeft(b[1:])
	for len(value) > 0 && isSpace(value[len(value)-1]) {
		value = value[:len(value)-1]
	}
	return name[:len(name):len(name)], value[:len(value):len(value)], nil
}

func trimLeft(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	return b
}

// PseudoType returns the record type whose rules an attribute of that name
// obeys, or 0 for an ordinary attribute (Postfix rec_attr_map.c).
func PseudoType(name []byte) RecordType {
	switch string(name) {
	case AttrDSNOrcpt:
		return RecDSNOrcpt
	case AttrDSNNotify:
		return RecDSNNotify
	case AttrDSNEnvID:
		return RecDSNEnvID
	case AttrDSNRet:
		return RecDSNRet
	case AttrCreateTime:
		return RecCreateTime
	}
	return 0
}

// Names of attributes that a queue file may hold (Postfix mail_proto.h).
const (
	AttrDSNOrcpt   = "dsn_orig_rcpt"
	AttrDSNNotify  = "notify_flags"
	AttrDSNEnvID   = "envelope_id"
	AttrDSNRet     = "ret_flags"
	AttrCreateTime = "create_time"

	AttrEncoding  = "encoding"
	AttrMessageID = "message_id"

	AttrLogClientName    = "log_client_name"
	AttrLogClientAddress = "log_client_address"
	AttrLogClientPort    = "log_client_port"
	AttrLogMessageOrigin = "log_message_origin"
	AttrLogProtocolName  = "log_protocol_name"

	AttrClientName        = "client_name"
	AttrClientAddress     = "client_address"
	AttrClientPort        = "client_port"
	AttrClientAddressType = "client_address_type"
	AttrProtocolName      = "protocol_name"
)

// EffectiveType returns the record's type, or for an attribute record the
// pseudo type that its name stands for.
func (r Record) EffectiveType() RecordType {
	if r.Type == RecAttr {
		if i := bytes.IndexByte(r.Data, '='); i > 0 {
			if name, _, err := ParseAttribute(r.Data); err == nil {
				if t := PseudoType(name); t != 0 {
					return t
				}
			}
		}
	}
	return r.Type
}

package rfc822

import "time"

// AppendDate appends t in the form of Received: and Date: headers, such as
// "Sun, 22 Nov 2026 10:29:09 +0000 (UTC)": English names, a day of two digits,
// the offset from UTC and the zone's abbreviation of t's own location.
//
// Source: Postfix 3.10 mail_date.c, mail_date.
func AppendDate(dst []byte, t time.Time) []byte {
	dst = t.AppendFormat(dst, "Mon, 02 Jan 2006 15:04:05 ")
	zone, _ := t.Zone()
	dst = appendOffset(dst, DateOffset(t))
	dst = append(dst, " ("...)
	dst = append(dst, zone...)
	return append(dst, ')')
}

const minutesPerDay = 24 * 60

// MaxDateOffset is how many minutes a zone may be from UTC, east or west, in a date:
// Postfix does not write one with more. Source: Postfix 3.10 mail_date.c, mail_date.
const MaxDateOffset = minutesPerDay

// DateOffset returns how many minutes east of UTC AppendDate finds the zone of t to be.
// A date that is not the same counts as the day before or after: where zones are more
// than a day away, the result depends on the time of the day.
//
// Source: Postfix 3.10 mail_date.c, mail_date.
func DateOffset(t time.Time) int {
	_, seconds := t.Zone()
	utc, local := minute(t.Unix()), minute(t.Unix()+int64(seconds))
	days := min(max(day(local)-day(utc), -1), 1)
	return (local - day(local)*minutesPerDay) - (utc - day(utc)*minutesPerDay) + days*minutesPerDay
}

// day returns the number of the day that minute, before or after 1970, is in.
func day(minute int) int {
	return (minute - (minute%minutesPerDay+minutesPerDay)%minutesPerDay) / minutesPerDay
}

// minute returns the number of the minute that second, before or after 1970, is in. An
// offset is the difference of what two clocks show without their seconds.
func minute(second int64) int {
	return int((second - (second%60+60)%60) / 60)
}

// appendOffset appends +hhmm. An offset between -00:59 and -00:01 gets "+",
// because C prints the sign of the hours.
func appendOffset(dst []byte, minutes int) []byte {
	sign := byte('+')
	if minutes <= -60 {
		sign = '-'
	}
	if minutes < 0 {
		minutes = -minutes
	}
	h, m := minutes/60, minutes%60
	return append(dst, sign, byte('0'+h/10), byte('0'+h%10), byte('0'+m/10), byte('0'+m%10))
}

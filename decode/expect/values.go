package expect

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// texts reads a text or a list of them.
func texts(value any) ([]string, bool) {
	if s, ok := value.(string); ok {
		return []string{s}, s != ""
	}
	list, ok := value.([]any)
	if !ok || len(list) == 0 {
		return nil, false
	}
	var out []string
	for _, x := range list {
		s, ok := x.(string)
		if !ok || s == "" {
			return nil, false
		}
		out = append(out, s)
	}
	return out, true
}

// duration reads "800ms", or a number of milliseconds.
func duration(value any) (time.Duration, bool) {
	switch v := value.(type) {
	case string:
		d, err := time.ParseDuration(strings.ReplaceAll(v, " ", ""))
		return d, err == nil && d > 0
	case int64:
		return time.Duration(v) * time.Millisecond, v > 0 && v < 1e12
	case float64:
		return time.Duration(v * float64(time.Millisecond)), v > 0 && v < 1e12
	}
	return 0, false
}

// wrongDuration says what a duration should have been; a number without a unit gets
// one.
func wrongDuration(value any) error {
	const want = `a duration such as "800ms" or "2s"`
	s, ok := value.(string)
	if !ok {
		return errors.New(want)
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil && !strings.HasPrefix(s, "-") {
		return &Problem{Text: fmt.Sprintf("%q has no unit", s), Hint: fmt.Sprintf(`write "%sms", or "%ss" for seconds`, s, s)}
	}
	return fmt.Errorf("%s (units: ms, s, m)", want)
}

// Makers of assertions whose value has a simple type. The error of make says what
// the value should have been.

func fromTexts(want string, f func([]string) judge) func(any) ([]assertion, error) {
	return func(value any) ([]assertion, error) {
		list, ok := texts(value)
		if !ok {
			return nil, errors.New(want)
		}
		return []assertion{{want: strings.Join(list, " or "), judge: f(list)}}, nil
	}
}

// each makes one assertion of each text.
func each(want string, f func(string) judge) func(any) ([]assertion, error) {
	return func(value any) (out []assertion, err error) {
		list, ok := texts(value)
		if !ok {
			return nil, errors.New(want)
		}
		for _, s := range list {
			out = append(out, assertion{want: s, judge: f(s)})
		}
		return out, nil
	}
}

func fromText(want string, f func(string) (judge, error)) func(any) ([]assertion, error) {
	return func(value any) ([]assertion, error) {
		s, ok := value.(string)
		if n, isNumber := value.(float64); isNumber { // tls_at_least = 1.2
			s, ok = strconv.FormatFloat(n, 'f', 1, 64), true
		}
		if !ok {
			return nil, errors.New(want)
		}
		j, err := f(s)
		return []assertion{{want: s, judge: j}}, err
	}
}

func fromBool(f func(bool) judge) func(any) ([]assertion, error) {
	return func(value any) ([]assertion, error) {
		b, ok := value.(bool)
		if !ok {
			return nil, errors.New("true or false")
		}
		return []assertion{{want: map[bool]string{true: "true", false: "false"}[b], judge: f(b)}}, nil
	}
}

func fromDuration(f func(time.Duration) judge) func(any) ([]assertion, error) {
	return func(value any) ([]assertion, error) {
		d, ok := duration(value)
		if !ok {
			return nil, wrongDuration(value)
		}
		return []assertion{{want: d.String(), judge: f(d)}}, nil
	}
}

func fromCount(want string, f func(int) judge) func(any) ([]assertion, error) {
	return func(value any) ([]assertion, error) {
		n, ok := value.(int64)
		if !ok || n < 0 || n > 1e9 {
			return nil, errors.New(want)
		}
		return []assertion{{want: itoa(int(n)), judge: f(int(n))}}, nil
	}
}

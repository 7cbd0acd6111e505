package inspect

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"xmppscope/session"
)

var (
	plainWords = regexp.MustCompile(`^[\pL\pN@./:_ -]+$`)
	oneEqual   = regexp.MustCompile(`([^=!<>])=([^=]|$)`)
	bareValue  = regexp.MustCompile(`(==|!=|contains|startsWith|endsWith)\s*([\pL_][\pL\pN_-]*)`)
)

// MeantFilter is what a wrong filter was probably meant to be: words to be found in
// events, one "=" for two, a text without quotes; "" if that would be wrong too, as
// compile says.
func MeantFilter(expr string, compile func(string) (func(*session.Event) bool, error)) string {
	better := oneEqual.ReplaceAllString(expr, "${1}==${2}")
	better = bareValue.ReplaceAllString(better, `$1 "$2"`)
	if plainWords.MatchString(expr) {
		better = fmt.Sprintf("lower(raw) contains %q", strings.ToLower(expr))
	}
	if _, err := compile(better); err != nil || better == expr {
		return ""
	}
	return better
}

// begunValue is a filter that ends within the text that a name is compared with.
var begunValue = regexp.MustCompile(`([a-z]+)\s*(?:==|!=|contains|startsWith|endsWith)\s*"([^"]*)$`)

// CompleteFilter completes what a filter ends with, a name or the text that one is compared
// with, as far as what fits agrees, and says what fits. Values are those that a name has had.
func CompleteFilter(expr string, values func(name string) []string) (completed string, fit []string) {
	start, known := strings.LastIndexFunc(expr, func(r rune) bool { return (r < 'a' || r > 'z') && r != '_' })+1, session.FilterNames()
	begun, end := expr[start:], ""
	if strings.Count(expr, `"`)%2 == 1 { // within a text there are no names
		m := begunValue.FindStringSubmatch(expr)
		if m == nil || values == nil {
			return expr, nil
		}
		begun, known, end = m[2], values(m[1]), `"`
		start = len(expr) - len(begun)
	} else if begun == "" {
		return expr, nil
	}
	common := ""
	for _, name := range known {
		if !strings.HasPrefix(name, begun) {
			continue
		}
		if fit = append(fit, name); len(fit) == 1 {
			common = name
		}
		for !strings.HasPrefix(name, common) {
			_, n := utf8.DecodeLastRuneInString(common)
			common = common[:len(common)-n]
		}
	}
	switch len(fit) {
	case 0:
		return expr, nil
	case 1:
		common += end
	}
	return expr[:start] + common, fit
}

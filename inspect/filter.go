package inspect

import (
	"fmt"
	"regexp"
	"strings"

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

// CompleteFilter completes the name that a filter ends with, as far as it is
// the only one, or as far as those that fit agree.
func CompleteFilter(expr string) string {
	start := strings.LastIndexFunc(expr, func(r rune) bool { return (r < 'a' || r > 'z') && r != '_' }) + 1
	begun := expr[start:]
	if begun == "" || strings.Count(expr[:start], `"`)%2 == 1 { // within a text there are no names
		return expr
	}
	common, found := "", 0
	for _, name := range session.FilterNames() {
		if !strings.HasPrefix(name, begun) {
			continue
		}
		if found++; found == 1 {
			common = name
		}
		for !strings.HasPrefix(name, common) {
			common = common[:len(common)-1]
		}
	}
	if found == 0 {
		return expr
	}
	return expr[:start] + common
}

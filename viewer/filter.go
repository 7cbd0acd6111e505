package viewer

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/gdamore/tcell/v2"

	"xmppscope/session"
)

// askFilter asks for a filter expression.
func (u *ui) askFilter() {
	if u.options.CompileFilter == nil {
		u.say(notice, "filters are not available here")
		return
	}
	u.askFilterAgain(u.expr, nil)
}

// askFilterAgain asks with a text to begin with: a wrong filter is asked for
// again, with what is wrong and what was typed.
func (u *ui) askFilterAgain(text string, wrong error) {
	meant := ""
	if wrong != nil {
		meant = u.meant(text)
	}
	u.ask(question{
		title: "Filter", label: "filter:", answer: text,
		help: func(string) []line { return u.filterHelp(wrong, meant) },
		keys: map[tcell.Key]func(*prompt){tcell.KeyTab: func(p *prompt) {
			if meant != "" && strings.TrimSpace(p.text()) == text {
				p.set(meant)
				return
			}
			p.set(completeFilter(p.text()))
		}},
		done: func(expr string) {
			expr = strings.TrimSpace(expr)
			if expr == "" {
				u.setFilter("", nil)
				return
			}
			keep, err := u.options.CompileFilter(expr)
			if err != nil {
				u.askFilterAgain(expr, err)
				return
			}
			u.setFilter(expr, keep)
		},
	})
}

var (
	plainWords = regexp.MustCompile(`^[\pL\pN@./:_ -]+$`)
	oneEqual   = regexp.MustCompile(`([^=!<>])=([^=]|$)`)
	bareValue  = regexp.MustCompile(`(==|!=|contains|startsWith|endsWith)\s*([\pL_][\pL\pN_-]*)`)
)

// meant is what a wrong filter was probably meant to be: words to be found in events, one
// "=" for two, a text without quotes; "" if that would be wrong too.
func (u *ui) meant(expr string) string {
	better := oneEqual.ReplaceAllString(expr, "${1}==${2}")
	better = bareValue.ReplaceAllString(better, `$1 "$2"`)
	if plainWords.MatchString(expr) {
		better = fmt.Sprintf("lower(raw) contains %q", strings.ToLower(expr))
	}
	if _, err := u.options.CompileFilter(better); err != nil || better == expr {
		return ""
	}
	return better
}

// filterHelp is what can be named, below what is wrong and what may have been meant.
func (u *ui) filterHelp(wrong error, meant string) []line {
	var out []line
	if wrong != nil {
		out = append(out, line{{" ✗ " + wire(strings.Join(strings.Fields(wrong.Error()), " ")), u.theme.failure}})
	}
	if meant != "" {
		out = append(out, line{{" → Tab takes ", u.theme.accent}, {wire(meant), u.theme.strong}})
	}
	for _, l := range wireLines(strings.TrimSpace(session.FilterHelp)) {
		out = append(out, line{{" " + l, u.theme.text}})
	}
	return append(out, line{{" Tab completes a name · an empty filter shows all", u.theme.faint}})
}

// completeFilter completes the name that a filter ends with, as far as it is
// the only one, or as far as those that fit agree.
func completeFilter(expr string) string {
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

// setFilter takes another filter; the feed starts again from the first event.
func (u *ui) setFilter(expr string, keep func(*session.Event) bool) {
	if u.ladder != nil {
		if _, index := u.event(); index >= 0 {
			u.sought = index
		}
		u.ladder.selected, u.ladder.top = 0, 0
		u.search.stop()
	}
	u.filter++
	u.fed = 0
	u.expr = expr
	u.options.Filter = keep
	select {
	case <-u.filters: // the feed has not taken the last one; it never will
	default:
	}
	u.filters <- filter{u.filter, keep}
	u.model.restart()
	u.lines = detailCache{}
}

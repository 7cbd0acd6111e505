package viewer

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gdamore/tcell/v2"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// export is one export: which events, and what is known of the file.
type export struct {
	inspect.Pick
	ExportOptions
	what   string // "this session", for the person
	path   string
	wrong  string // why the last try failed, "" before
	exists bool   // because there is such a file
	quit   bool   // then the inspector ends
}

// askExport asks which events to export.
func (u *ui) askExport() {
	switch {
	case u.options.Export == nil:
		u.say(notice, "exporting is not available here")
		return
	case len(u.model.Sessions) == 0:
		u.say(notice, "there is nothing to export yet")
		return
	case u.exporting:
		u.say(notice, "an export is being written; one at a time")
		return
	}
	c := u.current()
	all := 0
	for _, s := range u.model.Sessions {
		all += s.Events
	}
	choices := []choice{
		{'s', wiref("this session (%d): %s", c.ID, session.Plural(c.Events, "event")), func() {
			u.askExportFile(export{Pick: u.ofSession(c), what: "this session", path: u.exportName(fmt.Sprint("session-", c.ID))})
		}},
		{'w', wiref("all sessions: %s, %s", session.Plural(len(u.model.Sessions), "session"), session.Plural(all, "event")), func() {
			u.askExportFile(export{Pick: u.whole(), what: "all sessions", path: u.exportName("sessions")})
		}},
	}
	if len(u.marks) > 0 {
		choices = append(choices, choice{'m', wiref("the marked events: %d", len(u.marks)), func() {
			u.askExportFile(export{Pick: u.ofMarked(), what: "the marked events", path: u.exportName("marked")})
		}})
	}
	if p := u.ofFilter(); u.options.Filter != nil && u.fed < u.model.Applied {
		choices = append(choices, choice{'f', "what passes the filter: still being counted", u.askExport})
	} else if u.options.Filter != nil && len(p.Indexes) > 0 {
		choices = append(choices, choice{'f', wiref("what passes the filter: %s of all sessions", session.Plural(len(p.Indexes), "event")), func() {
			u.askExportFile(export{Pick: p, what: "what passes the filter", path: u.exportName("filtered")})
		}})
	}
	u.ask(question{title: "Export", label: "export which events?", choices: choices})
}

// exportName proposes a file: in the format that was used last, or else the
// first that can do without secrets.
func (u *ui) exportName(base string) string {
	if u.exportExt == "" {
		for _, f := range u.options.Formats {
			if !f.Secrets {
				u.exportExt = f.Ext
				break
			}
		}
	}
	return base + u.exportExt
}

// replace writes over the file that is there.
func (u *ui) replace(x export, path string) {
	if x.exists && strings.TrimSpace(path) == x.path {
		u.prompt = nil
		x.Replace = true
		u.export(x)
	}
}

// askExportFile asks where to, and tells what will become of the secrets.
func (u *ui) askExportFile(x export) {
	u.ask(question{
		title: "Export " + wire(x.what), label: "to file:", answer: x.path,
		help: func(path string) []line { return u.exportHelp(&x, path) },
		keys: map[tcell.Key]func(*prompt){
			tcell.KeyCtrlR: func(p *prompt) { u.turnSecrets(&x, p.text()) },
			tcell.KeyCtrlO: func(p *prompt) { u.replace(x, p.text()) },
			tcell.KeyCtrlP: func(*prompt) { x.Pseudonymise = !x.Pseudonymise },
			tcell.KeyTab:   func(p *prompt) { p.set(u.otherFormat(p.text())) },
		},
		done: func(path string) {
			x.Replace = false
			if x.path = strings.TrimSpace(path); x.path == "" {
				u.say(notice, "nothing was exported: no file was named")
				return
			}
			u.export(x)
		},
	})
}

func (u *ui) exportHelp(x *export, path string) []line {
	var out []line
	if x.wrong != "" {
		out = append(out, line{{" ✗ " + wire(x.wrong), u.theme.failure}})
	}
	ext := strings.ToLower(filepath.Ext(strings.TrimSpace(path)))
	known := line{{" format:", u.theme.text}}
	for i, f := range u.options.Formats {
		if i > 0 && !f.Opens && u.options.Formats[i-1].Opens {
			known = append(known, span{" │ cannot be opened again:", u.theme.faint})
		}
		style := u.theme.faint
		if f.Ext == ext {
			style = u.theme.strong
		}
		known = append(known, span{" " + wire(f.Ext), style})
	}
	out = append(out, append(known, span{"  Tab: next format", u.theme.faint}))
	if x.exists && strings.TrimSpace(path) == x.path {
		out = append(out, line{{" Ctrl-O replaces the file", u.theme.warning}})
	}
	if u.format(ext) < 0 {
		return out
	}
	switch does := u.effective(x, path); {
	case does.Pseudonymise:
		return append(out,
			line{{" names, addresses and texts will be replaced; Ctrl-P keeps them", u.theme.good}},
			line{{" secrets will be blanked", u.theme.good}})
	case does.Reveal:
		out = append(out, line{{" ▲ secrets will be IN THE CLEAR; Ctrl-R blanks them", u.theme.warning}})
	case u.holdsSecrets(path) && !does.Redact:
		out = append(out, line{{" ▲ " + wire(ext) + " always contains passwords and keys; Ctrl-R blanks them", u.theme.warning}})
	default:
		out = append(out, line{{" secrets will be blanked; Ctrl-R keeps them in the clear", u.theme.good}})
	}
	return append(out, line{{" names, addresses and texts stay; Ctrl-P replaces them", u.theme.text}})
}

// holdsSecrets says whether the format of a file holds secrets by nature.
func (u *ui) holdsSecrets(path string) bool {
	at := u.format(strings.ToLower(filepath.Ext(strings.TrimSpace(path))))
	return at >= 0 && u.options.Formats[at].Secrets
}

// turnSecrets blanks or keeps the secrets of an export, in formats of its kind only:
// who wants them out of a .pcapng does not want them in the next format.
func (u *ui) turnSecrets(x *export, path string) {
	if u.holdsSecrets(path) {
		x.Redact = !x.Redact
	} else {
		x.Reveal = !x.Reveal
	}
}

// effective is what the options come to for a file.
func (u *ui) effective(x *export, path string) ExportOptions {
	o := x.ExportOptions
	o.Reveal = o.Reveal && !o.Pseudonymise && !u.holdsSecrets(path)
	o.Redact = o.Redact && u.holdsSecrets(path)
	return o
}

// format is the place of an extension among the formats, -1 if it is none.
func (u *ui) format(ext string) int {
	return slices.IndexFunc(u.options.Formats, func(f Format) bool { return f.Ext == ext })
}

// otherFormat is the path with the next format's extension.
func (u *ui) otherFormat(path string) string {
	n := len(u.options.Formats)
	if n == 0 {
		return path
	}
	ext := filepath.Ext(path)
	at := u.format(strings.ToLower(ext))
	if at >= 0 || ext == "." {
		path = strings.TrimSuffix(path, ext)
	}
	return path + u.options.Formats[(at+1)%n].Ext
}

// export writes the file in the background.
func (u *ui) export(x export) {
	u.exporting = true
	u.say(notice, "writing %s …", x.path)
	does := u.effective(&x, x.path)
	n := 0
	var err error
	said := u.annotations()
	u.spawn(
		func(ctx context.Context) {
			err = u.options.Export(ctx, x.path, does, func(yield func(session.Event) bool) {
				for e := range x.Events(ctx) {
					if session.Numbered(e.Body) {
						n++
					}
					if !yield(said.on(e)) {
						return
					}
				}
			})
		},
		func(context.Context) {
			u.exporting = false
			u.exported(x, n, err)
		})
}

// exported tells what became of an export; one that failed is asked for again.
func (u *ui) exported(x export, n int, err error) {
	if err == nil {
		u.keep(x.Pick)
		if x.quit && n > 0 {
			u.stop()
			return
		}
		u.exportExt = filepath.Ext(x.path)
		u.say(plain, "✓ %s written to %s, %s", session.Plural(n, "event"), x.path, u.secrecy(x))
		u.flash.good, u.flash.until = true, u.now().Add(2*flashTime)
		return
	}
	x.exists = errors.Is(err, ErrExists)
	x.wrong = strings.Join(strings.Fields(err.Error()), " ")
	if u.prompt != nil { // something else is being asked
		u.say(failure, "the export failed: %s", x.wrong)
		return
	}
	u.flash = flash{}
	u.askExportFile(x)
}

// secrecy says what became of the secrets of an export.
func (u *ui) secrecy(x export) string {
	switch does := u.effective(&x, x.path); {
	case does.Pseudonymise:
		return "secrets blanked, names replaced"
	case u.holdsSecrets(x.path) && !does.Redact:
		return "which holds secrets"
	case does.Reveal:
		return "secrets in the clear"
	}
	return "secrets blanked"
}

package viewer

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"xmppscope/internal/inspect"
)

// askOpen asks which program of others is to show what is selected.
func (u *ui) askOpen() {
	u.ask(question{title: "Open in another program", label: "open what?", choices: []choice{
		{'p', "the event as it is shown here, in $PAGER", u.openPager},
		{'e', "the event's text, in $EDITOR", u.openEditor},
		{'w', "this session, in Wireshark", u.openWireshark},
		{'b', "a report on this session, in the browser", u.openBrowser},
	}})
}

// withFile is a program of the person's choice, such as "less -R", on $FILE.
func withFile(program string) string {
	if runtime.GOOS == "windows" {
		return program + ` "%FILE%"`
	}
	return program + ` "$FILE"`
}

// chosenProgram is what the first of these variables says that is set, or else the usual one.
func chosenProgram(usual string, variables ...string) string {
	for _, v := range variables {
		if program := os.Getenv(v); program != "" {
			return program
		}
	}
	return usual
}

func (u *ui) openPager() {
	usual := "less"
	if runtime.GOOS == "windows" {
		usual = "more"
	}
	var text strings.Builder
	for _, l := range u.detailText() {
		text.WriteString(strings.TrimRight(string(l.text()), " ") + "\n")
	}
	u.openFile(chosenProgram(usual, "PAGER"), []byte(text.String()), ".txt")
}

func (u *ui) openEditor() {
	usual := "vi"
	if runtime.GOOS == "windows" {
		usual = "notepad"
	}
	u.openFile(chosenProgram(usual, "VISUAL", "EDITOR"), nil, "")
}

// openFile lends the terminal to a program that shows the selected event, or a text in its
// place. What is changed there changes nothing here.
func (u *ui) openFile(program string, text []byte, ext string) {
	x := u.outsider()
	if x == nil {
		return
	}
	defer x.gone()
	if text != nil {
		path := strings.TrimSuffix(x.path, filepath.Ext(x.path)) + ext
		if err := os.WriteFile(path, text, 0o600); err != nil {
			u.say(failure, "the event could not be written to a file: %v", err)
			return
		}
		x.path = path
	}
	u.outside(program, func(ctx context.Context) *exec.Cmd {
		cmd := shell(ctx, withFile(program))
		cmd.Env = x.environment()
		return cmd
	})
}

// exportFor writes the selected session to a file in a folder that is ours alone, for a
// program of others.
func (u *ui) exportFor(ctx context.Context, p inspect.Pick, name string, o ExportOptions) (path string, err error) {
	folder, err := privateFolder()
	if err != nil {
		return "", err
	}
	path = filepath.Join(folder, name)
	if err = u.options.Export(ctx, path, o, p.Events(ctx)); err != nil {
		os.RemoveAll(folder)
	}
	return path, err
}

// openWireshark shows the session in Wireshark; the capture is gone when that has ended.
func (u *ui) openWireshark() {
	u.openSession("Wireshark", ".pcapng", func(ctx context.Context, path string) error {
		defer removePrivate(path)
		return exec.CommandContext(ctx, chosenProgram("wireshark", "WIRESHARK"), path).Run()
	})
}

// openBrowser shows a report on the session in the browser. Whoever starts that does not say
// when it has been read: the report is gone when the inspector is.
func (u *ui) openBrowser() {
	u.openSession("the browser", ".html", func(ctx context.Context, path string) error {
		u.litter(filepath.Dir(path))
		var cmd *exec.Cmd
		switch program := os.Getenv("BROWSER"); {
		case program != "":
			cmd = exec.CommandContext(ctx, program, path)
		case runtime.GOOS == "windows":
			cmd = exec.CommandContext(ctx, "rundll32", "url.dll,FileProtocolHandler", path)
		case runtime.GOOS == "darwin":
			cmd = exec.CommandContext(ctx, "open", path)
		default:
			cmd = exec.CommandContext(ctx, "xdg-open", path)
		}
		return cmd.Run()
	})
}

// openSession writes the session to a private file and shows it, in the background.
func (u *ui) openSession(where, ext string, show func(ctx context.Context, path string) error) {
	c := u.current()
	switch {
	case u.options.Export == nil:
		u.say(notice, "exporting is not available here")
		return
	case c.ID == 0:
		u.say(notice, "there is no session yet")
		return
	}
	p, o := u.ofSession(c), ExportOptions{Reveal: u.reveal}
	var err error
	u.say(notice, "session %d is opened in %s …", c.ID, where)
	u.spawn(func(ctx context.Context) {
		var path string
		if path, err = u.exportFor(ctx, p, fmt.Sprintf("session-%d%s", c.ID, ext), o); err == nil {
			err = show(ctx, path)
		}
	}, func(context.Context) {
		if err != nil {
			u.say(warning, "%s: %v", where, err)
		}
	})
}

// litter notes a folder that is to be gone when the inspector is. It may be called from any
// goroutine.
func (u *ui) litter(folder string) {
	u.littered.Lock()
	defer u.littered.Unlock()
	u.folders = append(u.folders, folder)
}

// tidy takes away what was made for programs of others.
func (u *ui) tidy() {
	u.littered.Lock()
	defer u.littered.Unlock()
	for _, folder := range u.folders {
		os.RemoveAll(folder)
	}
	u.folders = nil
}

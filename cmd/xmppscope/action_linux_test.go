package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// composite is action.yml.
type composite struct {
	Inputs map[string]struct {
		Required bool
		Default  string
	}
	Outputs map[string]struct{ Value string }
	Runs    struct {
		Using string
		Steps []struct {
			Name, ID, If, Uses, Shell, Run string
			Env, With                      map[string]string
		}
	}
}

// job is a run of the action's steps, as a runner does them.
type job struct {
	dir     string
	action  composite
	inputs  map[string]string
	outputs map[string]string // steps.ID.outputs.NAME, steps.ID.outcome
	env     []string
	path    string
	failed  bool
	log     bytes.Buffer
	uploads int
}

var expression = regexp.MustCompile(`\$\{\{ *([^}]*?) *\}\}`)

// fill puts the values of expressions in their place.
func (j *job) fill(t *testing.T, s string) string {
	return expression.ReplaceAllStringFunc(s, func(e string) string {
		name := expression.FindStringSubmatch(e)[1]
		if input, ok := strings.CutPrefix(name, "inputs."); ok {
			if _, known := j.action.Inputs[input]; !known {
				t.Errorf("there is no input %s", input)
			}
			return j.inputs[input]
		}
		return j.outputs[name]
	})
}

// wanted says whether a step is to be run. The conditions are few: each is named here.
func (j *job) wanted(t *testing.T, condition string) bool {
	switch condition {
	case "":
		return !j.failed
	case "${{ !cancelled() && steps.start.outcome == 'success' }}":
		return j.outputs["steps.start.outcome"] == "success"
	case "${{ failure() && inputs.artifact != '' && steps.start.outcome == 'success' }}":
		return j.failed && j.inputs["artifact"] != "" && j.outputs["steps.start.outcome"] == "success"
	}
	t.Fatalf("the test does not know the condition %q", condition)
	return false
}

// lines reads NAME=VALUE of a file that a step has written to.
func lines(t *testing.T, file string) (out [][2]string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		out = append(out, [2]string{name, value})
	}
	return out
}

// runAction runs the steps that are shell with bash, as a runner runs them. One that has been
// run before spares it to build once more.
func runAction(t *testing.T, before *job, inputs map[string]string) *job {
	t.Helper()
	text, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	j := &job{dir: t.TempDir(), inputs: map[string]string{}, outputs: map[string]string{}, path: os.Getenv("PATH")}
	if err := yaml.Unmarshal(text, &j.action); err != nil || j.action.Runs.Using != "composite" {
		t.Fatalf("%v: %+v", err, j.action)
	}
	for name, in := range j.action.Inputs {
		value, given := inputs[name]
		if in.Required && !given {
			t.Fatalf("the input %s is missing", name)
		}
		if !given {
			value = in.Default
		}
		j.inputs[name] = value
	}
	if err := os.Mkdir(filepath.Join(j.dir, "workspace"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, step := range j.action.Runs.Steps {
		if !j.wanted(t, step.If) {
			continue
		}
		if step.ID == "build" && before != nil {
			j.path = before.path
			continue
		}
		if step.Uses != "" {
			if strings.HasPrefix(step.Uses, "actions/upload-artifact@") {
				j.uploads++
			}
			continue
		}
		if step.Shell != "bash" || strings.Contains(step.Run, "${{") {
			t.Errorf("%s: it is run by %q, or has an expression in its script, which an input could break out of", step.Name, step.Shell)
		}
		script := filepath.Join(j.dir, step.ID+".sh")
		if err := os.WriteFile(script, []byte(step.Run), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", script)
		cmd.Dir = filepath.Join(j.dir, "workspace")
		cmd.Env = append([]string{
			"PATH=" + j.path, "HOME=" + j.dir, "TMPDIR=" + j.dir, "RUNNER_TEMP=" + j.dir, "GITHUB_ACTION_PATH=" + root,
			"GOCACHE=" + goEnv(t, "GOCACHE"), "GOMODCACHE=" + goEnv(t, "GOMODCACHE"), "GOFLAGS=-mod=mod", "GOPROXY=off",
		}, j.env...)
		for name, value := range step.Env {
			cmd.Env = append(cmd.Env, name+"="+j.fill(t, value))
		}
		for _, file := range []string{"GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"} {
			at := filepath.Join(j.dir, file)
			f, err := os.OpenFile(at, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			f.Close()
			if file != "GITHUB_STEP_SUMMARY" {
				if err := os.Truncate(at, 0); err != nil {
					t.Fatal(err)
				}
			}
			cmd.Env = append(cmd.Env, file+"="+at)
		}
		fmt.Fprintf(&j.log, "=== %s\n", step.Name)
		cmd.Stdout, cmd.Stderr = &j.log, &j.log
		outcome := "success"
		if err := cmd.Run(); err != nil {
			outcome, j.failed = "failure", true
			fmt.Fprintln(&j.log, err)
		}
		j.outputs["steps."+step.ID+".outcome"] = outcome
		for _, l := range lines(t, filepath.Join(j.dir, "GITHUB_OUTPUT")) {
			j.outputs["steps."+step.ID+".outputs."+l[0]] = l[1]
		}
		for _, l := range lines(t, filepath.Join(j.dir, "GITHUB_ENV")) {
			j.env = append(j.env, l[0]+"="+l[1])
		}
		for _, l := range lines(t, filepath.Join(j.dir, "GITHUB_PATH")) {
			j.path = l[0] + ":" + j.path
		}
	}
	for name, o := range j.action.Outputs {
		j.outputs[name] = j.fill(t, o.Value)
	}
	return j
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// TestAction runs the action of this repository step by step, as the shell that it is: for a
// client that logs in, for one that is refused, and where nothing can be started.
func TestAction(t *testing.T) {
	server, _ := startDemo(t)
	strict, _ := startScenario(t, "badpw")
	files := t.TempDir()
	write := func(name string, text []byte) string {
		path := filepath.Join(files, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	client := func(scenario string) string { return "\"" + filepath.Join(files, "demo-client") + "\" " + scenario }
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(exe, filepath.Join(files, "demo-client")); err != nil { // see TestMain
		t.Fatal(err)
	}
	good, bad := write("good.pem", server.Authority().PEM()), write("bad.pem", strict.Authority().PEM())
	expect := write("expect.toml", []byte("[login]\noutcome = \"success\"\n"))
	has := func(j *job, name string) bool {
		_, err := os.Stat(filepath.Join(j.outputs["reports"], name))
		return err == nil
	}

	j := runAction(t, nil, map[string]string{"run": client("scram"), "upstream": server.Addr(), "upstream-ca": good, "expect": expect})
	summary, _ := os.ReadFile(filepath.Join(j.dir, "GITHUB_STEP_SUMMARY"))
	if j.failed || j.outputs["outcome"] != "success" || j.uploads != 0 || has(j, "report.html") || !has(j, "report.xml") || !strings.Contains(string(summary), "logged in as alice@xmpp.example") || strings.Contains(j.log.String(), "::error") {
		t.Errorf("a login that works: %v\n%s\n%s", j.outputs, &j.log, summary)
	}
	if j.log.Len() == 0 || !strings.Contains(j.log.String(), "::stop-commands::") {
		t.Errorf("what a server says may be taken for a command:\n%s", &j.log)
	}
	j = runAction(t, j, map[string]string{"run": client("badpw"), "upstream": strict.Addr(), "upstream-ca": bad})
	if !j.failed || j.outputs["outcome"] != "failure" || j.uploads != 1 || !has(j, "report.html") || !has(j, "report.xml") || !strings.Contains(j.log.String(), "\n::error title=xmppscope%3A session 1::") || !strings.Contains(j.log.String(), "not-authorized") {
		t.Errorf("a login that is refused: %v, %d uploads\n%s", j.outputs, j.uploads, &j.log)
	}
	j = runAction(t, j, map[string]string{"run": "true", "upstream": server.Addr(), "flags": "--header-timeout 'no time'", "artifact": ""})
	if !j.failed || j.outputs["outcome"] != "" || j.uploads != 0 || !strings.Contains(j.log.String(), "header-timeout") {
		t.Errorf("a flag that is wrong: %v\n%s", j.outputs, &j.log)
	}
	j = runAction(t, j, map[string]string{"run": client("scram") + "; exit 3", "upstream": server.Addr(), "upstream-ca": good, "reports": "kept", "artifact": ""})
	if !j.failed || j.outputs["outcome"] != "failure" || j.uploads != 0 || !has(j, "report.html") || !strings.HasSuffix(j.outputs["reports"], "/workspace/kept") {
		t.Errorf("a test that fails: %v\n%s", j.outputs, &j.log)
	}
}

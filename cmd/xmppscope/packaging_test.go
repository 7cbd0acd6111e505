package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// release is .goreleaser.yaml, as far as it is used: a key that is not here is an error.
type release struct {
	Version     int
	ProjectName string `yaml:"project_name"`
	Before      struct{ Hooks []string }
	Builds      []struct {
		Main, Binary string
		Env, Flags   []string
		Ldflags      []string
		ModTimestamp string `yaml:"mod_timestamp"`
		Goos, Goarch []string
		Ignore       []struct{ Goos, Goarch string }
	}
	Archives []struct {
		Formats         []string
		FormatOverrides []struct {
			Goos    string
			Formats []string
		} `yaml:"format_overrides"`
		Files []string
	}
	Nfpms []struct {
		Formats                                           []string
		Maintainer, Description, License, Bindir, Section string
		Contents                                          []struct{ Src, Dst string }
	}
	Checksum struct {
		NameTemplate string `yaml:"name_template"`
	}
}

func repositoryFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestRelease: what a release is made of is there, or is made by the hooks, and it is built
// for what .ci/run builds.
func TestRelease(t *testing.T) {
	var r release
	d := yaml.NewDecoder(strings.NewReader(repositoryFile(t, ".goreleaser.yaml")))
	d.KnownFields(true)
	if err := d.Decode(&r); err != nil {
		t.Fatal(err)
	}
	if r.Version != 2 || len(r.Builds) != 1 || len(r.Archives) != 1 || len(r.Nfpms) != 1 || r.ProjectName != "xmppscope" {
		t.Fatalf("%+v", r)
	}
	b := r.Builds[0]
	if _, err := os.Stat(filepath.Join("../..", b.Main, "main.go")); err != nil || !slices.Contains(b.Env, "CGO_ENABLED=0") {
		t.Errorf("%+v: %v", b, err)
	}
	var targets []string
	for _, os := range b.Goos {
		for _, arch := range b.Goarch {
			left := false
			for _, i := range b.Ignore {
				left = left || i.Goos == os && i.Goarch == arch
			}
			if !left {
				targets = append(targets, os+"/"+arch)
			}
		}
	}
	ci := regexp.MustCompile(`for target in ([^;]*);`).FindStringSubmatch(repositoryFile(t, ".ci/run"))
	want := strings.Fields(ci[1])
	slices.Sort(want)
	if slices.Sort(targets); !slices.Equal(targets, want) {
		t.Errorf("it is built for %q, and .ci/run builds %q", targets, want)
	}

	// What the hooks make, made by the commands that they name.
	made := t.TempDir()
	hooks := strings.Join(r.Before.Hooks, "\n")
	if !strings.Contains(hooks, "go run ./cmd/xmppscope man build/man") {
		t.Errorf("the hooks make no man pages: %s", hooks)
	}
	root := newRoot()
	root.SetArgs([]string{"man", filepath.Join(made, "build/man")})
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	shells := strings.Fields(regexp.MustCompile(`for s in ([^;]*);`).FindStringSubmatch(hooks)[1])
	if err := os.MkdirAll(filepath.Join(made, "build/completions"), 0o755); err != nil || len(shells) != 4 {
		t.Fatalf("%q, %v", shells, err)
	}
	for _, shell := range shells {
		var out bytes.Buffer
		root := newRoot()
		root.SetOut(&out)
		root.SetArgs([]string{"completion", shell})
		if err := root.Execute(); err != nil || !strings.Contains(out.String(), "xmppscope") {
			t.Errorf("completion for %s: %d bytes, %v", shell, out.Len(), err)
		}
		if err := os.WriteFile(filepath.Join(made, "build/completions/xmppscope."+shell), out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := slices.Clone(r.Archives[0].Files)
	for _, c := range r.Nfpms[0].Contents {
		if files = append(files, c.Src); !strings.HasPrefix(c.Dst, "/usr/share/") {
			t.Errorf("%s goes to %s", c.Src, c.Dst)
		}
	}
	for _, f := range files {
		here, _ := filepath.Glob(filepath.Join("../..", f))
		there, _ := filepath.Glob(filepath.Join(made, f))
		if len(here)+len(there) == 0 {
			t.Errorf("there is no %s", f)
		}
	}
}

// TestContainerfile: it builds with the Go that go.mod wants, from what is there, and the
// command lines in it are right.
func TestContainerfile(t *testing.T) {
	text := repositoryFile(t, "Containerfile")
	wants := regexp.MustCompile(`(?m)^go ([0-9]+\.[0-9]+)`).FindStringSubmatch(repositoryFile(t, "go.mod"))[1]
	if !strings.Contains(text, "FROM docker.io/library/golang:"+wants+" AS build\n") {
		t.Errorf("it is not built with Go %s", wants)
	}
	built := regexp.MustCompile(`RUN CGO_ENABLED=0 go build .*-o (/xmppscope) (\./cmd/xmppscope)\n`).FindStringSubmatch(text)
	if built == nil || !strings.Contains(text, "COPY --from=build "+built[1]+" /xmppscope\n") || !strings.Contains(text, "ENTRYPOINT [\"/xmppscope\"]") {
		t.Error("what is built is not what is started")
	}
	for _, m := range regexp.MustCompile(`(?m)^COPY ([^-].*) \S+$`).FindAllStringSubmatch(text, -1) {
		for _, f := range strings.Fields(m[1]) {
			if _, err := os.Stat(filepath.Join("../..", f)); err != nil {
				t.Error(err)
			}
		}
	}
	lines := regexp.MustCompile(`(?m)^#   podman run .* xmppscope( [^>\n]*)`).FindAllStringSubmatch(text, -1)
	if len(lines) != 2 {
		t.Fatalf("%d command lines", len(lines))
	}
	for _, l := range lines {
		cmd, rest, err := newRoot().Find(strings.Fields(l[1]))
		if err == nil {
			err = cmd.ParseFlags(rest)
		}
		if err != nil {
			t.Errorf("xmppscope%s: %v", l[1], err)
		}
	}
}

package decode

import "testing"

func TestStreamDigest(t *testing.T) {
	// XEP-0078 §3.1 and XEP-0114 §3, their examples.
	for _, c := range []struct{ id, secret, want string }{
		{"3EE948B0", "Calli0pe", "48fc78be9ec8f86d8ce1c39c320c97c21d62334d"},
	} {
		if got := StreamDigest(c.id, c.secret); got != c.want {
			t.Errorf("digest of %q and %q is %s, want %s", c.id, c.secret, got, c.want)
		}
	}
}

func TestPasswordForms(t *testing.T) {
	for _, c := range []struct {
		password string
		want     []string // the right one first
	}{
		{"pencil", []string{"pencil", "pencil\n"}},
		{"I\u00adX", []string{"IX", "I\u00adX", "I\xadX", "I\u00adX\n"}},
		{"\u2168", []string{"IX", "\u2168", "\u2168\n"}},
		{"\u00e9", []string{"\u00e9", "e\u0301", "\xe9", "\u00e9\n"}},
		{" a ", []string{" a ", "a", " a \n"}},
		{"a\x07", []string{"a\x07", "a\x07\n"}}, // SASLprep forbids it
	} {
		forms := PasswordForms(c.password)
		var got []string
		for i, f := range forms {
			got = append(got, f.Password)
			if (f.Fault == "") != (i == 0) {
				t.Errorf("%q: form %d is %q with the fault %q", c.password, i, f.Password, f.Fault)
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("%q has the forms %q, want %q", c.password, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%q: form %d is %q, want %q", c.password, i, got[i], c.want[i])
			}
		}
	}
}

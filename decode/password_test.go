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
		{"a\u2003e\u0301", []string{"a \u00e9", "a\u2003e\u0301", "a\u2003\u00e9", "a\u2003e\u0301\n"}},
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

// TestSamePassword: a password that was sent as it is may be in any form that the server
// makes the same of.
func TestSamePassword(t *testing.T) {
	for _, c := range []struct {
		own, sent string
		want      Result
	}{
		{"pencil", "pencil", Fits},
		{"pencil", "Pencil", Differs},
		{"J\u00fcrgen", "Ju\u0308rgen", Fits},
		{"Ju\u0308rgen", "J\u00fcrgen", Fits},
		{"a b", "\uff41\u00a0b", Fits}, // full width, and a space that does not break
		{"a", "a\u00ad", Fits},
	} {
		if got := SamePassword(PasswordForms(c.own), c.sent); got.Result != c.want || got.Fault != "" {
			t.Errorf("%q for %q: %v", c.sent, c.own, got)
		}
	}
	if got := SamePassword(nil, "x"); got.Result != Unchecked {
		t.Errorf("without a password: %v", got)
	}
}

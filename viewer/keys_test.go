package viewer

import "testing"

func TestKeysAreUnique(t *testing.T) {
	seen := map[any]string{}
	note := func(key any, label string) {
		if other, twice := seen[key]; twice {
			t.Errorf("%v is bound to %q and to %q", key, other, label)
		}
		seen[key] = label
	}
	for _, b := range bindings {
		for _, r := range b.runes {
			note(r, b.label)
		}
		for _, k := range b.keys {
			note(k, b.label)
		}
		if b.label == "" || b.does == "" || b.do == nil || b.runes == "" && len(b.keys) == 0 {
			t.Errorf("incomplete: %+v", b)
		}
	}
	if len(KeyTable()) != len(bindings) {
		t.Error("the key table is not complete")
	}
}

func TestQuitKey(t *testing.T) {
	b := newBench(t, 80, 24, Options{}).press("q")
	if b.quits != 1 {
		t.Error("q does not quit")
	}
}

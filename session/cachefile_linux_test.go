package session

import "testing"

// TestVolumeInMemory: /dev lies in memory on every Linux.
func TestVolumeInMemory(t *testing.T) {
	v, err := volumeOf("/dev")
	if err != nil || !v.memory {
		t.Errorf("%+v, %v", v, err)
	}
	if v, err := volumeOf("/proc"); err != nil || v.memory {
		t.Errorf("/proc: %+v, %v", v, err)
	}
}

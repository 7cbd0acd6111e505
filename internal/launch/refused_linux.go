package launch

import (
	"errors"
	"os"
	"strings"
	"syscall"
)

// sysctl reads a setting of the system; "" if it has none of the name.
func sysctl(name string) string {
	text, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

const hintRoot = "or start xmppscope as root, which needs none of it"

// forbids finds the setting that forbids namespaces to users, by what a step failed with.
func forbids(err error) (cause, hint string) {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		for _, name := range []string{"user.max_user_namespaces", "user.max_net_namespaces", "user.max_mnt_namespaces"} {
			if sysctl(name) == "0" {
				return name + " is 0", "allow them: sysctl " + name + "=1000 (as root)"
			}
		}
		return "as many namespaces are in use as user.max_user_namespaces and user.max_net_namespaces allow", "allow more: sysctl user.max_user_namespaces=10000 user.max_net_namespaces=10000 (as root)"
	case sysctl("kernel.apparmor_restrict_unprivileged_userns") == "1":
		return "kernel.apparmor_restrict_unprivileged_userns is 1", "give the binary a profile of AppArmor with the line userns, in it, or allow them to all: sysctl kernel.apparmor_restrict_unprivileged_userns=0 (as root); " + hintRoot
	case sysctl("kernel.unprivileged_userns_clone") == "0":
		return "kernel.unprivileged_userns_clone is 0", "allow them: sysctl kernel.unprivileged_userns_clone=1 (as root); " + hintRoot
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES):
		return "a chroot, or the seccomp filter of a container, forbids it", "in a container: start it with --security-opt seccomp=unconfined, or use xmppscope outside of it; " + hintRoot
	case errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.EINVAL):
		return "the kernel was built without user or network namespaces", hintRoot
	}
	return "", hintRoot
}

// refusedClone tells why the helper could not be started.
func refusedClone(err error) error {
	cause, hint := forbids(err)
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return &Refused{Step: "making namespaces", Err: err, Cause: cause, Hint: hint}
}

// refusedStep tells why the helper did not come to an end.
func refusedStep(a answer) error {
	r := &Refused{Step: a.Step, Err: errors.New(a.Err)}
	if a.Errno != 0 {
		r.Err = syscall.Errno(a.Errno)
	}
	r.Cause, r.Hint = forbids(r.Err)
	return r
}

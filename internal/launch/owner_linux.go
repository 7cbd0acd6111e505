package launch

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// owner is the process that has the program's end of a connection, and what it is made of.
func (p *Program) owner(c net.Conn) (o Owner, ok bool) {
	at, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return o, false
	}
	pids := p.Processes()
	if len(pids) == 0 {
		return o, false
	}
	inode := ""
	for _, table := range []string{"tcp", "tcp6"} { // clients open sockets of IPv6 for IPv4, too
		if inode = socketAt(fmt.Sprintf("/proc/%d/net/%s", pids[0], table), at.Port()); inode != "" {
			break
		}
	}
	if inode == "" {
		return o, false
	}
	want := "socket:[" + inode + "]"
	for _, pid := range pids {
		links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		for _, link := range links {
			if to, err := os.Readlink(link); err == nil && to == want {
				return made(pid), true
			}
		}
	}
	return o, false
}

// socketAt finds the inode of the connected socket at a local port in a table of /proc.
func socketAt(table string, port uint16) string {
	f, err := os.Open(table)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 || fields[3] == "0A" { // listening
			continue
		}
		_, at, _ := strings.Cut(fields[1], ":")
		_, to, _ := strings.Cut(fields[2], ":")
		if n, err := strconv.ParseUint(at, 16, 16); err == nil && uint16(n) == port && to != "0000" {
			if fields[9] != "0" {
				return fields[9]
			}
		}
	}
	return ""
}

// made says what a process is made of.
func made(pid int) Owner {
	o := Owner{PID: pid}
	exe, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	o.Program = filepath.Base(exe)
	f, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return o
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 6 || !strings.Contains(fields[5], ".so") {
			continue
		}
		if path := fmt.Sprintf("/proc/%d/root%s", pid, fields[5]); !slices.Contains(o.Libraries, path) {
			o.Libraries = append(o.Libraries, path)
		}
	}
	return o
}

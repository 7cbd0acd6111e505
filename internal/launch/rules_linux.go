package launch

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// deadTime is how long connections to an address are refused at once that did not answer.
const deadTime = 5 * time.Second

// table is the one table of rules that there is in the namespace.
var table = &nftables.Table{Name: "xmppscope", Family: nftables.TableFamilyINet}

// dead is the set of addresses and ports, of one family, that nothing answers at.
func dead(is4 bool) *nftables.Set {
	set := &nftables.Set{
		Table: table, Name: "dead6", Concatenation: true, HasTimeout: true,
		KeyType: nftables.MustConcatSetType(nftables.TypeIP6Addr, nftables.TypeInetService),
	}
	if is4 {
		set.Name, set.KeyType = "dead4", nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeInetService)
	}
	return set
}

// redirect makes the rules: each TCP connection goes to one port of ours, but those to
// what is dead are refused.
func redirect(port4, port6 uint16) error {
	c, err := nftables.New()
	if err != nil {
		return err
	}
	c.AddTable(table)
	refuse := c.AddChain(&nftables.Chain{
		Name: "refuse", Table: table, Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookOutput,
		Priority: nftables.ChainPriorityRef(-150), // before addresses are changed
	})
	take := c.AddChain(&nftables.Chain{
		Name: "take", Table: table, Type: nftables.ChainTypeNAT, Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityNATDest,
	})
	for _, is4 := range []bool{true, false} {
		port := port6
		if is4 {
			port = port4
		}
		if port == 0 {
			continue
		}
		set := dead(is4)
		if err := c.AddSet(set, nil); err != nil {
			return err
		}
		c.AddRule(&nftables.Rule{Table: table, Chain: refuse, Exprs: append(tcpOf(is4), inSet(set, is4)...)})
		c.AddRule(&nftables.Rule{Table: table, Chain: take, Exprs: append(tcpOf(is4),
			&expr.Immediate{Register: 1, Data: binaryutil.BigEndian.PutUint16(port)},
			&expr.Redir{RegisterProtoMin: 1, RegisterProtoMax: 1},
		)})
	}
	return c.Flush()
}

// tcpOf matches TCP of one family.
func tcpOf(is4 bool) []expr.Any {
	family := byte(unix.NFPROTO_IPV6)
	if is4 {
		family = unix.NFPROTO_IPV4
	}
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{family}},
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{unix.IPPROTO_TCP}},
	}
}

// inSet refuses what goes to an address and port of a set.
func inSet(set *nftables.Set, is4 bool) []expr.Any {
	offset, length, behind := uint32(24), uint32(16), uint32(unix.NFT_REG_2) // RFC 8200 §3
	if is4 {
		offset, length, behind = 16, 4, unix.NFT_REG32_01 // RFC 791 §3.1
	}
	return []expr.Any{
		&expr.Payload{DestRegister: unix.NFT_REG_1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: length},
		&expr.Payload{DestRegister: behind, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Lookup{SourceRegister: unix.NFT_REG_1, SetName: set.Name, SetID: set.ID},
		&expr.Reject{Type: unix.NFT_REJECT_TCP_RST},
	}
}

// rules changes the rules of a namespace from outside, by a socket that was made in it.
type rules struct{ fd int }

func (r *rules) close() {
	if r != nil {
		unix.Close(r.fd)
	}
}

var errCaught = errors.New("the batch has been taken")

// refuse has connections to an address refused for deadTime.
func (r *rules) refuse(at netip.AddrPort) error {
	is4 := at.Addr().Is4()
	key := binary.BigEndian.AppendUint16(at.Addr().AsSlice(), at.Port())
	var batch []byte
	c, err := nftables.New(nftables.WithTestDial(func(messages []netlink.Message) ([]netlink.Message, error) { // it has no door for a socket that is there already
		for _, m := range messages {
			b, err := m.MarshalBinary()
			if err != nil {
				return nil, err
			}
			batch = append(batch, b...)
		}
		return nil, errCaught
	}))
	if err != nil {
		return err
	}
	if err := c.SetAddElements(dead(is4), []nftables.SetElement{{Key: append(key, 0, 0), Timeout: deadTime}}); err != nil {
		return err
	}
	if err := c.Flush(); len(batch) == 0 {
		return err
	}
	return unix.Sendto(r.fd, batch, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
}

func (p *Program) unreachable(at netip.AddrPort) error {
	if p.rules == nil {
		return nil
	}
	return p.rules.refuse(at)
}

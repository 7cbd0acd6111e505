package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"xmppscope/internal/ownership"
	"xmppscope/viewer"
)

// Filters that were used or saved in the inspector are kept in a file of the state folder,
// for their owner alone: they name contacts.

const memoryName = "filters.json"

// memory is that file. Several inspectors may share it: what one adds is added to what is
// there by then.
type memory struct {
	path string
	mu   sync.Mutex // one change at a time
}

// remembered is what is in it.
type remembered struct {
	Used  []string          `json:"used"`  // the newest last
	Saved map[string]string `json:"saved"` // by their names
}

// remember is what the inspector gets of the file, and how it adds to it.
func remember() viewer.Memory {
	dir, err := stateDir()
	if err != nil {
		return viewer.Memory{}
	}
	m := &memory{path: filepath.Join(dir, memoryName)}
	kept, _ := m.read() // what is wrong with it is said when it is to be changed
	return viewer.Memory{
		Filters: kept.Used, Saved: kept.Saved,
		Used: func(expr string) error {
			return m.change(func(r *remembered) {
				v := viewer.Memory{Filters: r.Used}
				v.Remember(expr)
				r.Used = v.Filters
			})
		},
		Save: func(name, expr string) error {
			return m.change(func(r *remembered) {
				if expr == "" {
					delete(r.Saved, name)
					return
				}
				if r.Saved == nil {
					r.Saved = map[string]string{}
				}
				r.Saved[name] = expr
			})
		},
	}
}

func (m *memory) read() (r remembered, err error) {
	text, err := os.ReadFile(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		return remembered{}, fmt.Errorf("%s: %w", m.path, err)
	}
	return r, nil
}

// change reads the file, changes what is in it, and puts the new one in its place.
func (m *memory) change(do func(*remembered)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, err := m.read()
	if err != nil {
		return errors.New(inWords(err))
	}
	do(&r)
	text, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		err = ownership.MakePrivate(filepath.Dir(m.path))
	}
	if err == nil {
		err = replaceFile(m.path, append(text, '\n'))
	}
	if err != nil {
		return errors.New(inWords(err))
	}
	return nil
}

// replaceFile puts a file that its owner alone may read in place of another, whole or not at all.
func replaceFile(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

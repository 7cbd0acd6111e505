//go:build !linux && !darwin && !windows

package session

import "errors"

func volumeOf(string) (volume, error) { return volume{}, errors.ErrUnsupported }

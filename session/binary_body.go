package session

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"time"
)

// binaryBodies are the bodies by their number in the binary form.
var binaryBodies = append([]Body{nil, Unknown{}}, Bodies...)

var bodyNumbers = func() map[reflect.Type]uint64 {
	m := map[reflect.Type]uint64{}
	for i, b := range binaryBodies {
		m[reflect.TypeOf(b)] = uint64(i)
	}
	return m
}()

// body appends which kind it is, and all its fields as they come. Most events are of
// kinds that have none.
func (w *binaryWriter) body(b []byte, body Body) []byte {
	n, ok := bodyNumbers[reflect.TypeOf(body)]
	if !ok {
		w.err = errors.New("the kind is not among session.Bodies")
		return b
	}
	if b = binary.AppendUvarint(b, n); body != nil {
		b = w.value(b, reflect.ValueOf(body))
	}
	return b
}

var timeType = reflect.TypeFor[time.Time]()

// value appends what a body holds.
func (w *binaryWriter) value(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.String:
		b = w.string(b, v.String())
	case reflect.Bool:
		b = appendBool(b, v.Bool())
	case reflect.Int, reflect.Int64:
		b = binary.AppendVarint(b, v.Int())
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		b = binary.AppendUvarint(b, v.Uint())
	case reflect.Pointer:
		if b = appendBool(b, !v.IsNil()); !v.IsNil() {
			b = w.value(b, v.Elem())
		}
	case reflect.Slice:
		b = appendLength(b, v.Len(), v.IsNil())
		for i := range v.Len() {
			b = w.value(b, v.Index(i))
		}
	case reflect.Map:
		b = appendLength(b, v.Len(), v.IsNil())
		for i := v.MapRange(); i.Next(); {
			b = w.value(w.value(b, i.Key()), i.Value())
		}
	case reflect.Struct:
		if v.Type() == timeType {
			return w.time(b, v.Interface().(time.Time))
		}
		for i := range v.NumField() {
			b = w.value(b, v.Field(i))
		}
	default:
		w.err = fmt.Errorf("a %s cannot be written", v.Type())
	}
	return b
}

// body takes what binaryWriter.body wrote.
func (r *binaryReader) body() Body {
	b := binaryBodies[r.below(len(binaryBodies))]
	if b == nil || reflect.TypeOf(b).NumField() == 0 {
		return b
	}
	v := reflect.New(reflect.TypeOf(b)).Elem()
	r.value(v)
	return v.Interface().(Body)
}

// value takes what binaryWriter.value wrote.
func (r *binaryReader) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(r.string())
	case reflect.Bool:
		v.SetBool(r.bool())
	case reflect.Int, reflect.Int64:
		v.SetInt(r.int())
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(r.uint())
	case reflect.Pointer:
		if r.bool() {
			v.Set(reflect.New(v.Type().Elem()))
			r.value(v.Elem())
		}
	case reflect.Slice:
		if n, ok := r.length(leastSize(v.Type().Elem())); ok {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				r.value(v.Index(i))
			}
		}
	case reflect.Map:
		if n, ok := r.length(leastSize(v.Type().Key()) + leastSize(v.Type().Elem())); ok {
			v.Set(reflect.MakeMapWithSize(v.Type(), n))
			for range n {
				key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				r.value(key)
				r.value(value)
				v.SetMapIndex(key, value)
			}
		}
	case reflect.Struct:
		if v.Type() == timeType {
			v.Set(reflect.ValueOf(r.time()))
			return
		}
		for i := range v.NumField() {
			r.value(v.Field(i))
		}
	}
}

// leastSize is the fewest bytes that a value of this type takes.
func leastSize(t reflect.Type) int {
	if t.Kind() == reflect.Struct && t != timeType {
		return t.NumField()
	}
	return 1
}

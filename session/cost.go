package session

import "reflect"

// What a value takes in memory, without what it points at.
var (
	eventSize  = int(reflect.TypeFor[Event]().Size())
	noteSize   = int(reflect.TypeFor[Note]().Size())
	secretSize = int(reflect.TypeFor[Secret]().Size())
)

// cost is about how much memory an event takes, in bytes. What many events share, such
// as steps and the ids of rules, is left out.
func cost(e *Event) int {
	n := eventSize + len(e.Raw) + len(e.Summary) + cap(e.Notes)*noteSize + cap(e.Secrets)*secretSize
	for i := range e.Notes {
		n += len(e.Notes[i].Text) + len(e.Notes[i].Value) + len(e.Notes[i].Mark)
	}
	if e.Body != nil {
		v := reflect.ValueOf(e.Body)
		n += int(v.Type().Size()) + pointedAt(v)
	}
	return n
}

// pointedAt is how much memory the parts of a body take that do not lie in the value.
func pointedAt(v reflect.Value) (n int) {
	switch v.Kind() {
	case reflect.String:
		return v.Len()
	case reflect.Struct:
		if v.Type() == timeType { // time zones are shared
			return 0
		}
		for i := range v.NumField() {
			n += pointedAt(v.Field(i))
		}
	case reflect.Slice:
		n = v.Len() * int(v.Type().Elem().Size())
		for i := range v.Len() {
			n += pointedAt(v.Index(i))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			n = int(v.Type().Elem().Size()) + pointedAt(v.Elem())
		}
	case reflect.Map:
		n = v.Len() * int(v.Type().Key().Size()+v.Type().Elem().Size())
		for i := v.MapRange(); i.Next(); {
			n += pointedAt(i.Key()) + pointedAt(i.Value())
		}
	}
	return n
}

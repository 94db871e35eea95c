package rules

import (
	"errors"
	"math"
)

// number returns a numeric value; conditions compute in floating point.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

func arithmetic(x, y float64, op string) (any, error) {
	switch op {
	case "+":
		return x + y, nil
	case "-":
		return x - y, nil
	case "*":
		return x * y, nil
	case "**", "^":
		return math.Pow(x, y), nil
	}
	if y == 0 {
		return nil, errors.New("a division by zero")
	}
	if op == "%" {
		return math.Mod(x, y), nil
	}
	return x / y, nil
}

// kindOf names what a value is, for messages.
func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "text"
	case bool:
		return "a checkbox"
	case int, int64, float64:
		return "a number"
	}
	return "a value"
}

package soql

// Select is a parsed query. Offsets are byte offsets into its text.
type Select struct {
	Items   []Item
	From    Name
	Alias   string
	Where   Cond // nil for none
	GroupBy []Path
	OrderBy []Order
	// Limit and Offset are -1 where the query has none.
	Limit, Offset int
	// AllRows is the offset of ALL ROWS, or -1.
	AllRows int
}

// Name is one word of the query.
type Name struct {
	Text string
	Off  int
}

// Path is a field, perhaps of a parent: Owner.Name.
type Path []Name

func (p Path) off() int { return p[0].Off }

func (p Path) String() string {
	s := p[0].Text
	for _, n := range p[1:] {
		s += "." + n.Text
	}
	return s
}

// Item is one entry of the SELECT list: a field, or a function of one.
type Item struct {
	// Func is the function in upper case, "" for a field.
	Func string
	// Path is the field, or the function's argument; COUNT() has none.
	Path  Path
	Alias Name
	Off   int
}

// Order is one entry of ORDER BY. A path of one name may also be an alias.
type Order struct {
	Item
	Desc      bool
	NullsLast bool
}

// Cond is a condition: *Logic, *Not or *Compare.
type Cond interface{ cond() }

// Logic joins two or more conditions by AND or OR.
type Logic struct {
	Or    bool
	Terms []Cond
}

// Not negates a condition.
type Not struct{ Cond Cond }

// Compare compares a field to a value, or, with IN, NOT IN, INCLUDES and EXCLUDES, to a list of them.
type Compare struct {
	Path   Path
	Op     Op
	Values []Literal
	OpOff  int
}

func (*Logic) cond()   {}
func (*Not) cond()     {}
func (*Compare) cond() {}

// Op is a comparison operator.
type Op string

// The operators. <> is read as !=.
const (
	Eq       Op = "="
	Ne       Op = "!="
	Lt       Op = "<"
	Le       Op = "<="
	Gt       Op = ">"
	Ge       Op = ">="
	Like     Op = "LIKE"
	In       Op = "IN"
	NotIn    Op = "NOT IN"
	Includes Op = "INCLUDES"
	Excludes Op = "EXCLUDES"
)

// LiteralKind says what a literal is.
type LiteralKind uint8

// The kinds of literals.
const (
	NullLiteral LiteralKind = iota
	BoolLiteral
	StringLiteral
	NumberLiteral
	DateLiteral
	DateTimeLiteral
	TimeLiteral
	// PeriodLiteral is a date literal such as TODAY or LAST_N_DAYS:30.
	PeriodLiteral
)

// Literal is a value in a condition.
type Literal struct {
	Kind LiteralKind
	// Text is a string decoded (a LIKE pattern in SQL's form, with \ as its escape), "true" or
	// "false", a number as written, a date, datetime or time in the stored form, or a period's
	// name in upper case.
	Text string
	// N is the number of a period such as LAST_N_DAYS:30.
	N   int
	Off int
}

package syntax

// Select is a parsed query, or a query inside another one. Offsets are byte offsets into the text.
type Select struct {
	Items []Item
	// From is the object; inside another query's SELECT list it is a child relationship, which may
	// have the name or alias of the outer object in front of it.
	From  Path
	Alias string
	// Scope is the word behind USING SCOPE, or empty.
	Scope   Name
	Where   Cond // nil for none
	GroupBy []Operand
	Having  Cond // nil for none
	OrderBy []Order
	// Limit and Offset are -1 where the query has none.
	Limit, Offset int
	// AllRows is the offset of ALL ROWS, or -1.
	AllRows int
	Off     int
}

// Name is one word of the query.
type Name struct {
	Text string
	Off  int
}

// Path is a field, perhaps of a parent: Owner.Name.
type Path []Name

// Off is where the path begins; the path must not be empty.
func (p Path) Off() int { return p[0].Off }

func (p Path) String() string {
	s := p[0].Text
	for _, n := range p[1:] {
		s += "." + n.Text
	}
	return s
}

// Operand is a field, or a function of one.
type Operand struct {
	// Func is the function in upper case, "" for a field.
	Func string
	// Path is the field, or the function's argument; COUNT() has none.
	Path Path
	// Arg is the argument if that is a function itself: FORMAT(MIN(Amount)). Then Path is empty.
	Arg *Operand
	Off int
}

// Item is one entry of the SELECT list: an operand, a child subquery or a TYPEOF.
type Item struct {
	Operand
	Alias  Name
	Sub    *Select
	TypeOf *TypeOf
}

// TypeOf is TYPEOF What WHEN Account THEN Phone ELSE Name END.
type TypeOf struct {
	Relationship Path
	Whens        []When
	Else         []Path
}

// When is one branch of a TypeOf.
type When struct {
	Type   Name
	Fields []Path
}

// Order is one entry of ORDER BY. A path of one name may also be an alias.
type Order struct {
	Operand
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

// Compare compares an operand to a value, or, with IN, NOT IN, INCLUDES and EXCLUDES, to a list of them.
type Compare struct {
	Operand
	Op     Op
	Values []Literal
	// Sub is the query of a semi-join, IN (SELECT …), or an anti-join, NOT IN (SELECT …).
	Sub   *Select
	OpOff int
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

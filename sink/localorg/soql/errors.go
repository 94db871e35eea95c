package soql

import (
	"fmt"

	"sfsync/sink/localorg/soql/syntax"
)

// Error is why a query was refused, in the org's shape.
type Error = syntax.Error

// The codes of an [Error], as the org spells them.
const (
	CodeMalformed   = syntax.CodeMalformed
	CodeField       = syntax.CodeField
	CodeType        = syntax.CodeType
	CodeOperator    = syntax.CodeOperator
	CodeRange       = syntax.CodeRange
	CodeComplicated = syntax.CodeComplicated
)

func noColumn(name, entity string) string {
	return fmt.Sprintf("No such column '%s' on entity '%s'. If you are attempting to use a custom field, be sure to append the "+
		"'__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.", name, entity)
}

func noRelationship(name string) string {
	return fmt.Sprintf("Didn't understand relationship '%s' in field path. If you are attempting to use a custom relationship, be sure to "+
		"append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names.", name)
}

func noChildren(name string) string {
	return fmt.Sprintf("Didn't understand relationship '%s' in FROM part of query call. If you are attempting to use a custom relationship, be sure to "+
		"append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names.", name)
}

func noEntity(name string) string {
	return fmt.Sprintf("sObject type '%s' is not supported. If you are attempting to use a custom object, be sure to append the '__c' "+
		"after the entity name. Please reference your WSDL or the describe call for the appropriate names.", name)
}

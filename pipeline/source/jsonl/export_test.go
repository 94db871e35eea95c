package jsonl

const MaxSize = maxSize

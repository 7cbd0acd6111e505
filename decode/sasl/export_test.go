package sasl

// Add lets a test declare a mechanism as a file of this package does.
var Add = add

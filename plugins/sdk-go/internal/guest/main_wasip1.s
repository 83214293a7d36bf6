// Lets configure_wasip1.go declare a function without a body.

"""Writers and watchers over real sockets against several servers, while a fault runs; then a checker that knows only
what was committed and what each client wrote down."""

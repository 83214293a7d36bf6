;; Stands in for WASI in plugins written in Go, so that they import nothing but
;; Millstream's own interface. Go's runtime needs a clock, random bytes and
;; standard error to start; the rest only has to exist.
;;
;; Every answer is constant: the same record must give the same bytes in every
;; instance. What is printed is discarded or logged: the module is one of
;; adapter-discard.wat and adapter-log.wat, followed by this file. `go.rs` embeds
;; both as .wasm; its test compares them with their sources.

;; Types by their parameters: i is i32, l is i64.
(type $exit (func (param i32)))
(type $none (func (result i32)))
(type $i (func (param i32) (result i32)))
(type $ii (func (param i32 i32) (result i32)))
(type $iii (func (param i32 i32 i32) (result i32)))
(type $iiii (func (param i32 i32 i32 i32) (result i32)))
(type $iiiii (func (param i32 i32 i32 i32 i32) (result i32)))
(type $iiiiii (func (param i32 i32 i32 i32 i32 i32) (result i32)))
(type $iiiiiii (func (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
(type $il (func (param i32 i64) (result i32)))
(type $ill (func (param i32 i64 i64) (result i32)))
(type $illi (func (param i32 i64 i64 i32) (result i32)))
(type $ili (func (param i32 i64 i32) (result i32)))
(type $ilii (func (param i32 i64 i32 i32) (result i32)))
(type $iiili (func (param i32 i32 i32 i64 i32) (result i32)))
(type $iilli (func (param i32 i32 i64 i64 i32) (result i32)))
(type $iiiilli (func (param i32 i32 i32 i32 i64 i64 i32) (result i32)))
(type $open (func (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))

;; Two counts of zero: no arguments, no environment.
(func $empty (type $ii)
  (i32.store (local.get 0) (i32.const 0))
  (i32.store (local.get 1) (i32.const 0))
  (i32.const 0))
(export "args_sizes_get" (func $empty))
(export "environ_sizes_get" (func $empty))

(func $list (type $ii) (i32.const 0))
(export "args_get" (func $list))
(export "environ_get" (func $list))

;; One second after 1970-01-01, for ever. Go refuses to start at zero.
(func (export "clock_time_get") (type $ili)
  (i64.store (local.get 2) (i64.const 1000000000))
  (i32.const 0))
(func (export "clock_res_get") (type $ii)
  (i64.store (local.get 1) (i64.const 1))
  (i32.const 0))

(func (export "random_get") (type $ii)
  (memory.fill (local.get 0) (i32.const 0x4d) (local.get 1))
  (i32.const 0))

(func (export "proc_exit") (type $exit) (unreachable))
(func (export "sched_yield") (type $none) (i32.const 0))

;; Returns at once, without an event: Go's runtime waits here for a moment
;; while it reports a fatal error.
(func (export "poll_oneoff") (type $iiii)
  (i32.store (local.get 3) (i32.const 0))
  (i32.const 0))

;; EBADF: there are no files, folders and sockets.
(func $bad_i (type $i) (i32.const 8))
(func $bad_ii (type $ii) (i32.const 8))
(func $bad_iii (type $iii) (i32.const 8))
(func $bad_iiii (type $iiii) (i32.const 8))
(func $bad_iiiii (type $iiiii) (i32.const 8))
(func $bad_iiiiii (type $iiiiii) (i32.const 8))
(func $bad_iiiiiii (type $iiiiiii) (i32.const 8))
(func $bad_il (type $il) (i32.const 8))
(func $bad_ill (type $ill) (i32.const 8))
(func $bad_illi (type $illi) (i32.const 8))
(func $bad_ilii (type $ilii) (i32.const 8))
(func $bad_iiili (type $iiili) (i32.const 8))
(func $bad_iilli (type $iilli) (i32.const 8))
(func $bad_iiiilli (type $iiiilli) (i32.const 8))
(func $bad_open (type $open) (i32.const 8))
(export "fd_advise" (func $bad_illi))
(export "fd_allocate" (func $bad_ill))
(export "fd_close" (func $bad_i))
(export "fd_datasync" (func $bad_i))
(export "fd_fdstat_get" (func $bad_ii))
(export "fd_fdstat_set_flags" (func $bad_ii))
(export "fd_fdstat_set_rights" (func $bad_ill))
(export "fd_filestat_get" (func $bad_ii))
(export "fd_filestat_set_size" (func $bad_il))
(export "fd_filestat_set_times" (func $bad_illi))
(export "fd_pread" (func $bad_iiili))
(export "fd_prestat_dir_name" (func $bad_iii))
(export "fd_prestat_get" (func $bad_ii))
(export "fd_pwrite" (func $bad_iiili))
(export "fd_read" (func $bad_iiii))
(export "fd_readdir" (func $bad_iiili))
(export "fd_renumber" (func $bad_ii))
(export "fd_seek" (func $bad_ilii))
(export "fd_sync" (func $bad_i))
(export "fd_tell" (func $bad_ii))
(export "path_create_directory" (func $bad_iii))
(export "path_filestat_get" (func $bad_iiiii))
(export "path_filestat_set_times" (func $bad_iiiilli))
(export "path_link" (func $bad_iiiiiii))
(export "path_open" (func $bad_open))
(export "path_readlink" (func $bad_iiiiii))
(export "path_remove_directory" (func $bad_iii))
(export "path_rename" (func $bad_iiiiii))
(export "path_symlink" (func $bad_iiiii))
(export "path_unlink_file" (func $bad_iii))
(export "proc_raise" (func $bad_i))
(export "sock_accept" (func $bad_iii))
(export "sock_recv" (func $bad_iiiiii))
(export "sock_send" (func $bad_iiiii))
(export "sock_shutdown" (func $bad_ii))

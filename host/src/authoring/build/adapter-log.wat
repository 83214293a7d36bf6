;; What is printed, in a plugin with the SDK's log package: each line is logged. See
;; adapter.wat.
(import "env" "memory" (memory 0))
(import "millstream:plugin/log@0.1.0" "write"
  (func $write (param $record i32) (param $level i32) (param $text i32) (param $length i32)))

;; Where the SDK keeps the index of the current record, and the unfinished lines of
;; standard output and standard error. A line is its length, and the first 1,028
;; bytes of its text (plugins/sdk-go/log/host_wasip1.go). 0 before it has said so.
(global $record (mut i32) (i32.const 0))
(global $lines (mut i32) (i32.const 0))

(func (export "millstream_keep_lines") (param $of i32) (param $unfinished i32)
  (global.set $record (local.get $of))
  (global.set $lines (local.get $unfinished)))

;; Takes all bytes: those of standard output as info, those of standard error as
;; warnings, and discards others.
(func (export "fd_write") (type $iiii)
  (local $sum i32) (local $line i32) (local $level i32) (local $length i32)
  (local.set $level (select (i32.const 2) (i32.const 1) (i32.eq (local.get 0) (i32.const 1))))
  (if (i32.and (i32.ne (global.get $lines) (i32.const 0))
               (i32.lt_u (i32.sub (local.get 0) (i32.const 1)) (i32.const 2)))
    (then (local.set $line (i32.add (global.get $lines)
      (i32.mul (i32.sub (local.get 0) (i32.const 1)) (i32.const 1032))))))
  (block $done
    (loop $next
      (br_if $done (i32.eqz (local.get 2)))
      (local.set $length (i32.load offset=4 (local.get 1)))
      (if (local.get $line)
        (then (call $print (local.get $line) (local.get $level)
          (i32.load (local.get 1)) (local.get $length))))
      (local.set $sum (i32.add (local.get $sum) (local.get $length)))
      (local.set 1 (i32.add (local.get 1) (i32.const 8)))
      (local.set 2 (i32.sub (local.get 2) (i32.const 1)))
      (br $next)))
  (i32.store (local.get 3) (local.get $sum))
  (i32.const 0))

;; Adds bytes to a line, and logs it at each line feed.
(func $print (param $line i32) (param $level i32) (param $at i32) (param $count i32)
  (local $end i32) (local $length i32)
  (local.set $end (i32.add (local.get $at) (local.get $count)))
  (block $done
    (loop $next
      (br_if $done (i32.eq (local.get $at) (local.get $end)))
      (local.set $length (i32.load (local.get $line)))
      (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 10))
        (then
          (i32.store (local.get $line) (i32.const 0))
          (call $log (local.get $level) (i32.add (local.get $line) (i32.const 4))
            (local.get $length)))
        (else
          (i32.store (local.get $line) (i32.add (local.get $length) (i32.const 1)))
          (if (i32.lt_u (local.get $length) (i32.const 1028))
            (then (i32.store8 offset=4 (i32.add (local.get $line) (local.get $length))
              (i32.load8_u (local.get $at)))))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next))))

;; Logs a line, cut to 1,024 bytes.
(func $log (param $level i32) (param $text i32) (param $length i32)
  (if (i32.gt_u (local.get $length) (i32.const 1024))
    (then
      (local.set $length (i32.const 1024))
      ;; Back to the first byte of a character.
      (block $cut
        (loop $back
          (br_if $cut (i32.eqz (local.get $length)))
          (br_if $cut (i32.ne (i32.const 0x80) (i32.and (i32.const 0xc0)
            (i32.load8_u (i32.add (local.get $text) (local.get $length))))))
          (local.set $length (i32.sub (local.get $length) (i32.const 1)))
          (br $back)))))
  (if (i32.eqz (call $is_utf8 (local.get $text) (local.get $length)))
    (then (call $to_ascii (local.get $text) (local.get $length))))
  (call $write (i32.load (global.get $record)) (local.get $level)
    (local.get $text) (local.get $length)))

;; 1 for UTF-8, for the host refuses other strings (RFC 3629, section 4).
(func $is_utf8 (param $at i32) (param $length i32) (result i32)
  (local $end i32) (local $c i32) (local $more i32) (local $low i32) (local $high i32)
  (local.set $end (i32.add (local.get $at) (local.get $length)))
  (block $bad
    (loop $next
      (if (i32.eq (local.get $at) (local.get $end))
        (then (return (i32.eqz (local.get $more)))))
      (local.set $c (i32.load8_u (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (if (local.get $more)
        (then
          (br_if $bad (i32.lt_u (local.get $c) (local.get $low)))
          (br_if $bad (i32.gt_u (local.get $c) (local.get $high)))
          (local.set $more (i32.sub (local.get $more) (i32.const 1)))
          (local.set $low (i32.const 0x80))
          (local.set $high (i32.const 0xbf))
          (br $next)))
      (br_if $next (i32.lt_u (local.get $c) (i32.const 0x80)))
      (br_if $bad (i32.lt_u (local.get $c) (i32.const 0xc2)))
      (br_if $bad (i32.gt_u (local.get $c) (i32.const 0xf4)))
      (local.set $more (i32.add (i32.const 1) (i32.add
        (i32.ge_u (local.get $c) (i32.const 0xe0))
        (i32.ge_u (local.get $c) (i32.const 0xf0)))))
      ;; The second byte's range: not overlong, no surrogate, at most U+10FFFF.
      (local.set $low (i32.const 0x80))
      (local.set $high (i32.const 0xbf))
      (if (i32.eq (local.get $c) (i32.const 0xe0)) (then (local.set $low (i32.const 0xa0))))
      (if (i32.eq (local.get $c) (i32.const 0xed)) (then (local.set $high (i32.const 0x9f))))
      (if (i32.eq (local.get $c) (i32.const 0xf0)) (then (local.set $low (i32.const 0x90))))
      (if (i32.eq (local.get $c) (i32.const 0xf4)) (then (local.set $high (i32.const 0x8f))))
      (br $next)))
  (i32.const 0))

;; Writes `?` for each byte beyond ASCII.
(func $to_ascii (param $at i32) (param $length i32)
  (local $end i32)
  (local.set $end (i32.add (local.get $at) (local.get $length)))
  (block $done
    (loop $next
      (br_if $done (i32.eq (local.get $at) (local.get $end)))
      (if (i32.ge_u (i32.load8_u (local.get $at)) (i32.const 0x80))
        (then (i32.store8 (local.get $at) (i32.const 0x3f))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next))))


import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// Programs that people use, on the mount: each ends well, and what it left is at the destination.
    @Suite struct ProgramTests {
        struct Job: Sendable, CustomTestStringConvertible {
            let name: String
            /// In bash, within a directory of the mount; `$S` is a plain one.
            let script: String
            /// Names that stay here, as a pattern of grep -E.
            var local = "^$"

            var testDescription: String { name }
        }

        /// As KIO::FileCopyJob does it: O_EXCL on the name itself, FICLONE and copy_file_range(2) before writing in
        /// pieces of 512 KiB, xattrs, times and owner by the descriptor. Over a file: ".part" and rename. Who cancels
        /// closes first and unlinks then.
        private static let kio = """
            import errno, fcntl, os
            source = os.environ["S"] + "/a"
            data = os.urandom(3 * 524288 + 777)
            open(source, "wb").write(data)

            def copy(name, cancelled=False):
                reader = os.open(source, os.O_RDONLY)
                writer = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
                try:
                    fcntl.ioctl(writer, 0x40049409, reader)
                    raise SystemExit("FICLONE answered that it had cloned")
                except OSError as error:
                    assert error.errno in (errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY), error
                try:
                    while os.copy_file_range(reader, writer, 1 << 20): pass
                except OSError as error:
                    assert error.errno in (errno.EXDEV, errno.EOPNOTSUPP), error
                while piece := os.read(reader, 524288):
                    os.write(writer, piece)
                    if cancelled: break
                if cancelled:
                    os.close(writer)
                    os.unlink(name)
                    return
                os.setxattr(writer, "user.xdg.origin.url", b"file:///a")
                os.utime(writer, ns=(10**18, 10**18 + 5))
                os.fchown(writer, os.getuid(), os.getgid())
                os.fchmod(writer, 0o644)
                os.close(writer)
                assert os.stat(name).st_mtime_ns == 10**18 + 5

            copy("film")
            copy("cancelled", cancelled=True)
            copy("film.part")
            os.rename("film.part", "film")
            assert sorted(os.listdir(".")) == ["film"], os.listdir(".")
            assert open("film", "rb").read() == data
            """

        static let jobs: [Job] = [
            Job(
                name: "cp, cp -p and cp -r --sparse=always",
                script: """
                    head -c 300K /dev/urandom > $S/a; truncate -s 5M $S/sparse; echo end >> $S/sparse; chmod 640 $S/a
                    touch -d '2001-02-03 04:05:06.789' $S/a; mkdir -p $S/tree/sub; cp $S/sparse $S/tree/sub/s
                    cp $S/a one; cp -p $S/a two; cp -r --sparse=always $S/tree tree; cmp tree/sub/s $S/sparse
                    test "$(stat -c '%a %y' two)" = "$(stat -c '%a %y' $S/a)"
                    """),
            Job(
                name: "mv in, and out of what is not published yet",
                script: """
                    head -c 2M /dev/urandom > $S/a; cp $S/a $S/kept; mv $S/a in; cmp in $S/kept; test ! -e $S/a
                    echo x > out.part; mv out.part $S/out; test -e $S/out; test ! -e out.part
                    """),
            Job(
                name: "rsync -a, twice, and in place",
                script: """
                    mkdir -p $S/tree/sub; head -c 3M /dev/urandom > $S/tree/a; echo hi > "$S/tree/sub/ü x"
                    ln -s a $S/tree/link; rsync -a $S/tree/ tree/; test "$(readlink tree/link)" = a
                    test -z "$(rsync -ai $S/tree/ tree/)"
                    printf changed | dd of=$S/tree/a bs=1 seek=1000 conv=notrunc status=none
                    rsync -a --checksum --inplace --no-whole-file $S/tree/ tree/; cmp tree/a $S/tree/a
                    """),
            Job(
                name: "tar x of odd names, and unzip",
                script: """
                    mkdir -p "$S/t/a b/-c" "$S/t/é"; echo 1 > "$S/t/a b/-c/'\\"q"; echo 2 > "$S/t/é/*?"; ln "$S/t/é/*?" $S/t/x
                    rm $S/t/x; ln -s '../a b' $S/t/é/l; tar -C $S -cf $S/t.tar t; tar xf $S/t.tar; diff -r t $S/t
                    (cd $S && zip -qr t.zip t); mkdir z; unzip -q $S/t.zip -d z; diff -r z/t $S/t
                    """),
            Job(
                name: "hard links: cp -al, rsync -H and --link-dest, tar, a mailbox's link and unlink",
                script: """
                    mkdir -p $S/tree/sub; head -c 2M /dev/urandom > $S/tree/a; ln $S/tree/a $S/tree/sub/b; echo c > $S/tree/c
                    rsync -aH $S/tree/ one/; test one/a -ef one/sub/b; cp -al one two; test two/a -ef one/sub/b
                    echo changed > $S/tree/c; rsync -a --link-dest=$PWD/one $S/tree/ three/; test three/a -ef one/a
                    test "$(cat one/c three/c | tr '\\n' ' ')" = "c changed "; test "$(stat -c %h one/a)" = 6
                    tar -C $S -cf $S/t.tar tree; tar xf $S/t.tar; test tree/a -ef tree/sub/b
                    mkdir tmp new; echo mail > tmp/1; ln tmp/1 new/1; rm tmp/1; test "$(cat new/1)" = mail
                    """),
            Job(
                name: "git init, commit, clone",
                script: """
                    export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
                    git init -q one; cd one; for n in 1 2 3 4; do echo $n > f$n; git add .; git commit -qm c$n; done
                    git fsck; test "$(git log --oneline | wc -l)" = 4; git clone -q . ../two; cd ../two; git fsck
                    test -z "$(git status --short)"
                    """),
            Job(
                name: "sqlite3 with a thousand transactions",
                script: """
                    (echo 'create table t (x);'; for n in $(seq 1000); do echo "insert into t values ($n);"; done) | sqlite3 a.db
                    test "$(sqlite3 a.db 'select sum(x) from t; pragma integrity_check;' | tr '\\n' ' ')" = "500500 ok "
                    """),
            Job(
                name: "vim, twice, with swap and backup files",
                script: """
                    vim -N -u NONE -i NONE -es -c 'set backup swapfile' -c 'normal ifirst' -c 'wq' text
                    sleep 0.5; vim -N -u NONE -i NONE -es -c 'set backup swapfile' -c 'normal osecond' -c 'wq' text
                    test "$(cat text | tr '\\n' ' ')" = "first second "
                    """, local: "~$"),
            Job(
                name: "dd conv=notrunc, split, truncate, shred -u",
                script: """
                    head -c 1M /dev/zero > a; printf X | dd of=a bs=1 seek=777 conv=notrunc status=none; split -b 300K a part-
                    cat part-* | cmp - a; truncate -s 10 a; echo secret > s; shred -u s; test ! -e s
                    """),
            Job(
                name: "gio copy and gio move",
                script: """
                    head -c 2M /dev/urandom > $S/a; head -c 1M /dev/urandom > $S/b; cp $S/b $S/kept
                    gio copy $S/a a; gio move $S/b b; cmp $S/a a; cmp $S/kept b; test ! -e $S/b
                    """),
            Job(
                name: "KIO's calls: a copy, one over it, and one that is cancelled",
                script: """
                    cat > $S/kio.py <<'END'
                    \(kio)
                    END
                    python3 $S/kio.py
                    """),
            Job(
                name: "Finder through Samba: companions beside the file, which stay here",
                script: """
                    head -c 1M /dev/urandom > $S/a; printf x > ._photo.jpg; printf x > .DS_Store; cp $S/a photo.jpg
                    setfattr -n user.DosStream.AFP_AfpInfo -v 0x00 photo.jpg; touch -d 2020-01-01 photo.jpg
                    ls -A | sort | tr '\\n' ' ' | grep -qxF '.DS_Store ._photo.jpg photo.jpg '
                    """, local: "/(\\._|\\.DS_Store$)"),
            Job(
                name: "ffmpeg with +faststart, which moves all it has written",
                script: """
                    ffmpeg -loglevel error -f lavfi -i testsrc=duration=3:size=320x240:rate=15 -c:v mpeg4 -movflags +faststart v.mp4
                    test "$(ffprobe -v error -count_frames -show_entries stream=nb_read_frames -of csv=p=0 v.mp4)" = 45
                    """),
            Job(
                name: "inotifywait sees what is made and closed",
                script: """
                    inotifywait -m -e create -e close_write --format '%e %f' . > $S/seen 2> $S/said & watcher=$!
                    trap 'kill $watcher' EXIT; until grep -q established $S/said; do :; done
                    cp $S/said one; until grep -qxF 'CLOSE_WRITE,CLOSE one' $S/seen; do :; done; grep -qxF 'CREATE one' $S/seen
                    """),
        ]

        @Test("Ordinary programs work, and what they leave arrives", .timeLimit(.minutes(3)), arguments: jobs)
        func programs(_ job: Job) throws {
            let scene = try Scene()
            let server = try scene.server()
            let mount = try scene.mount(server.port, limit: 150)
            let script = scene.directory.file("script")
            try job.script.write(toFile: script, atomically: true, encoding: .utf8)
            try Shell.must(
                "mkdir \(mount.path("w")) && cd \(mount.path("w")) && S=\(scene.source) bash -euo pipefail \(script)",
                within: 90)
            _ = try Binary.run("wait", mount.mountpoint, "--timeout", "60s", within: 90)
            func digests(_ directory: String) throws -> String {
                try Shell.must(
                    "cd \(directory) && find . -type f | grep -vE \(Shell.quoted(job.local)) | LC_ALL=C sort | tr '\\n' '\\0' | xargs -0 -r sha256sum"
                )
            }
            let there = try digests(server.file("w"))
            #expect(try digests(mount.path("w")) == there)
            #expect(!there.isEmpty)
        }
    }
}

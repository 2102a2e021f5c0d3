"""Defects of the places for archives, of retention and of the schedule."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

PLACES = "desktop/backup/places"
FOLDER = f"{PLACES}/folder.py"
LOCAL = f"{PLACES}/local.py"
REMOTE = f"{PLACES}/remote.py"
HTTP = f"{PLACES}/http.py"
WEBDAV = f"{PLACES}/webdav.py"
S3 = f"{PLACES}/s3.py"
API = f"{PLACES}/supabase_api.py"
TUS = f"{PLACES}/tus.py"
SUPABASE = f"{PLACES}/supabase.py"
RETRYING = f"{PLACES}/retrying.py"
COPIES = f"{PLACES}/copies.py"
DURABLE = "desktop/domain/durable.py"
RETENTION = "desktop/backup/retention.py"
SCHEDULE = "desktop/backup/schedule.py"
TURN = "desktop/backup/turn.py"

_FOLDER = ("tests/backup/places/test_folder.py",)
_REMOTE = ("tests/backup/places/test_remote.py",)
_PARTS = ("tests/backup/places/test_parts.py",)
_S3 = ("tests/backup/places/test_s3.py",)
_SUPABASE = ("tests/backup/places/test_supabase.py",)
_WEBDAV = ("tests/backup/places/test_webdav.py",)
_RETENTION = ("tests/backup/retention/test_retention.py",)
_SCHEDULE = ("tests/backup/schedule/test_schedule.py",)

MUTATIONS = (
    Mutation(
        "a folder's archive is not read back",
        FOLDER,
        "                self._compare(beside, wanted, name, reading, cancelled)\n",
        "",
        _FOLDER,
    ),
    Mutation(
        "a second file takes the name of the first",
        DURABLE,
        "        os.link(beside, path)\n",
        "        beside.replace(path)\n        return\n",
        _FOLDER,
    ),
    Mutation(
        "on a stick without links the last writer wins",
        DURABLE,
        "    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))\n",
        "",
        _FOLDER,
    ),
    Mutation(
        "an upload that runs is swept up",
        FOLDER,
        "                if not local.hold(file):\n",
        "                if False:\n",
        _FOLDER,
    ),
    Mutation(
        "what is young is swept up",
        FOLDER,
        "and seen.st_mtime < oldest:",
        "and seen.st_mtime > 0:",
        _FOLDER,
    ),
    Mutation(
        "a full disk is noticed when it is full",
        LOCAL,
        "if shutil.disk_usage(folder).free < size + MARGIN:",
        "if False:",
        _FOLDER,
    ),
    Mutation(
        "what a full disk cut off stays",
        FOLDER,
        "            finally:\n                with contextlib.suppress(OSError):\n"
        "                    beside.unlink(missing_ok=True)\n            sync_folder(self._folder)",
        "            finally:\n                pass\n            sync_folder(self._folder)",
        _FOLDER,
    ),
    Mutation(
        "sent is success",
        REMOTE,
        "        if Fingerprint(size, digest.hexdigest()) != expected:\n",
        "        if size != expected.size:\n",
        _REMOTE,
    ),
    Mutation(
        "what was stored otherwise stays there",
        REMOTE,
        "                self.delete(name)\n",
        "                pass\n",
        _REMOTE,
    ),
    Mutation(
        "a download begins again after a cut",
        REMOTE,
        "            with self._open(name, done) as chunks:\n",
        "            with self._open(name, 0) as chunks:\n",
        _REMOTE,
    ),
    Mutation(
        "redirects are followed",
        HTTP,
        "            timeout=TIMEOUT,\n",
        "            timeout=TIMEOUT,\n            follow_redirects=True,\n",
        _SUPABASE,
    ),
    Mutation(
        "addresses may hold passwords",
        HTTP,
        'if "@" in parts.netloc or parts.query or parts.fragment:',
        "if parts.query or parts.fragment:",
        _PARTS,
    ),
    Mutation(
        "a password travels in the clear",
        HTTP,
        'if parts.scheme == "http" and host not in _LOOPBACK:',
        "if False:",
        _PARTS,
    ),
    Mutation(
        "an untrusted certificate is tried again",
        HTTP,
        "        if isinstance(cause, ssl.SSLCertVerificationError):\n            return True\n",
        "",
        _PARTS,
    ),
    Mutation(
        "WebDAV overwrites",
        WEBDAV,
        '"Overwrite": "F"',
        '"Overwrite": "T"',
        _WEBDAV,
    ),
    Mutation(
        "entities unfold",
        WEBDAV,
        'if b"<!" in answer.body[:4096].replace(b"<!--", b""):',
        "if False:",
        _WEBDAV,
    ),
    Mutation(
        "S3 overwrites",
        S3,
        '{"IfNoneMatch": "*"} if self._conditions else {}',
        "{}",
        _S3,
    ),
    Mutation(
        "S3's parts are taken for ours unseen",
        S3,
        "if there.get(number) != _tag(content):",
        "if number not in there:",
        _S3,
    ),
    Mutation(
        "every upload to S3 begins anew",
        S3,
        "        if begun:\n",
        "        if False:\n",
        _S3,
    ),
    Mutation(
        "an upload to S3 that somebody adds to is given up",
        S3,
        "        if last is None or last >= than:\n",
        "        if last is None:\n",
        _S3,
    ),
    Mutation(
        "what a server sends again is taken twice",
        HTTP,
        "            yield _from(response.iter_raw(_PIECE), skip)\n",
        "            yield response.iter_raw(_PIECE)\n",
        _WEBDAV,
    ),
    Mutation(
        "a service key passes for any other",
        API,
        'return isinstance(payload, dict) and payload.get("role") in _PAST_POLICIES',
        "return False",
        _SUPABASE,
    ),
    Mutation(
        "Supabase overwrites",
        TUS,
        '                "Content-Length": str(length),\n                "x-upsert": "false",\n',
        '                "Content-Length": str(length),\n                "x-upsert": "true",\n',
        _SUPABASE,
    ),
    Mutation(
        "an upload's address is where the answer says",
        TUS,
        'f"/upload/resumable/{self._id}", fine=',
        'f"/upload/resumable/x{self._id}", fine=',
        _SUPABASE,
    ),
    Mutation(
        "a policy's silence passes for deleting",
        SUPABASE,
        "if answer.status == 200 and answer.json() == []",
        "if answer.status == 201 and answer.json() == []",
        _SUPABASE,
    ),
    Mutation(
        "waits don't grow",
        RETRYING,
        "self.first * 2.0 ** min(failures - 1, 30)",
        "self.first",
        _REMOTE,
    ),
    Mutation(
        "a place that fails never rests",
        RETRYING,
        "            if left > 0:\n",
        "            if left > 1e9:\n",
        _PARTS,
    ),
    Mutation(
        "getting further is no new beginning",
        RETRYING,
        "                    failures, best = 0, gained()\n",
        "                    best = gained()\n",
        _PARTS,
    ),
    Mutation(
        "one place's failure is everybody's",
        COPIES,
        "                errors[id_] = error\n",
        "                raise\n",
        _PARTS,
    ),
    Mutation(
        "retention forgets what an archive stands on",
        RETENTION,
        '        stay("base", chain(archives[name], archives)[1:])\n',
        "        pass\n",
        _RETENTION,
    ),
    Mutation(
        "retention counts what was never verified",
        RETENTION,
        "    return whole and all(link.verified is not None for link in links)\n",
        "    return whole\n",
        _RETENTION,
    ),
    Mutation(
        "retention believes the clock alone",
        RETENTION,
        "if now <= e.at + age or followed[e.name] < need))",
        "if now <= e.at + age))",
        _RETENTION,
    ),
    Mutation(
        "retention removes what comes from the future",
        RETENTION,
        '    stay("clock", (each for each in held if each.at > limit))\n',
        "",
        _RETENTION,
    ),
    Mutation(
        "what stands on others is removed after them",
        RETENTION,
        "(-len(chain(each, archives)), each.at, each.name)",
        "(each.at, each.name)",
        _RETENTION,
    ),
    Mutation(
        "a success from the future keeps everybody from backing up",
        SCHEDULE,
        "    if moment is None or moment > now + CLOCK_TOLERANCE:\n",
        "    if moment is None:\n",
        _SCHEDULE,
    ),
    Mutation(
        "a backup comes at the same hour in UTC all year",
        SCHEDULE,
        "    return there.instant_at(there.minute_of_clock(dt.time(hour, minute)))\n",
        "    return there.instant_at(hour * 60 + minute)\n",
        _SCHEDULE,
    ),
    Mutation(
        "two workstations have the turn",
        TURN,
        "    key = turn_key(tenant)\n",
        "    key = turn_key(tenant) ^ connection.info.backend_pid\n",
        ("tests/backup/schedule/test_turn.py",),
    ),
    Mutation(
        "an upload that the server forgot is sent to for ever",
        S3,
        "            tag = self._parts(key, upload).get(number) if next(tries) else None\n",
        "            tag = None\n",
        _S3,
    ),
    Mutation(
        "what cut uploads leave fills the place until the end",
        WEBDAV,
        "            self._clear(begun)\n            begun.append",
        "            begun.append",
        _WEBDAV,
    ),
)

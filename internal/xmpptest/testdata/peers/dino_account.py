"""Dino with one account. It makes its database at its first start: dino_account.py JID PASSWORD"""

import os
import sqlite3
import subprocess
import sys
import time

jid, password = sys.argv[1:]
dino = ["dbus-run-session", "--", "dino-im"]
path = os.path.join(os.environ["XDG_DATA_HOME"], "dino", "dino.db")
first = subprocess.Popen(dino, start_new_session=True)
while True:
    try:
        if sqlite3.connect(path).execute("select count(*) from sqlite_master where name in ('account', 'settings')").fetchone()[0] == 2:
            break
    except sqlite3.OperationalError:  # not yet
        pass
    time.sleep(0.1)
os.killpg(first.pid, 15)
first.wait()
while True:
    try:
        db = sqlite3.connect(path)
        db.execute("insert into account (bare_jid, resourcepart, password, alias, enabled) values (?, 'dino', ?, '', 1)", (jid, password))
        db.commit()
        db.close()
        break
    except sqlite3.OperationalError:  # the other is still about to leave
        time.sleep(0.1)
os.execvp(dino[0], dino)

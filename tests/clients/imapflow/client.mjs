// SPDX-License-Identifier: MIT
// Plays one scene with imapflow and prints what it saw as JSON. Arguments: the directory that has node_modules, and the scene as JSON.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import process from 'node:process';

const { ImapFlow } = createRequire(process.argv[2] + '/')('imapflow');
const scene = JSON.parse(process.argv[3]);

function open(more) {
	return new ImapFlow({
		host: '127.0.0.1', port: scene.port, secure: true, tls: { rejectUnauthorized: false }, logger: false,
		auth: { user: 'bob@example.test', pass: 'demo' }, qresync: true, ...more,
	});
}

// Of each message: UID, flags, modseq, its bytes.
async function all(client) {
	const out = [];
	for await (const m of client.fetch('1:*', { uid: true, flags: true, source: true, bodyStructure: true, envelope: true }))
		out.push({ uid: m.uid, seq: m.seq, flags: [...m.flags].sort(), modseq: String(m.modseq), source: m.source.toString('base64'), type: m.bodyStructure.type, subject: m.envelope.subject || null });
	return out;
}

function told(client) {
	const news = [];
	client.on('exists', (e) => news.push(['exists', e.count, e.prevCount]));
	client.on('expunge', (e) => news.push(['expunge', e.uid || null, e.seq || null, !!e.vanished, !!e.earlier]));
	client.on('flags', (e) => news.push(['flags', e.uid || null, [...e.flags].sort()]));
	return news;
}

async function until(what, seconds = 10) {
	for (const end = Date.now() + seconds * 1000; Date.now() < end && !what();)
		await new Promise((resolve) => setTimeout(resolve, 10));
	return what();
}

const scenes = {
	// Everything one client does with a mailbox; with and without compression and the newest dialect.
	async mail(out) {
		const client = open({ disableCompression: !scene.compress, disableIMAP4rev2: !scene.rev2 });
		await client.connect();
		out.enabled = [...client.enabled].sort();
		out.compressed = !!client._deflate;
		out.appended = [];
		for (const name of scene.files) {
			const r = await client.append('INBOX', readFileSync(name), ['\\Seen', '$Work'], new Date('2026-11-23T20:08:00Z'));
			out.appended.push(r.uid);
		}
		const lock = await client.getMailboxLock('INBOX');
		out.all = await all(client);
		await client.messageFlagsAdd('1:2', ['\\Flagged']);
		await client.messageFlagsRemove({ uid: '1' }, ['\\Seen'], { uid: true });
		await client.messageFlagsSet('3', ['\\Answered', 'word']);
		out.unseen = await client.search({ seen: false }, { uid: true });
		out.found = await client.search({ subject: scene.subject }, { uid: true });
		await client.mailboxCreate('Gr\u00fc\u00dfe/1');
		const copied = await client.messageCopy('1:2', 'Gr\u00fc\u00dfe/1');
		out.copied = [...copied.uidMap];
		const moved = await client.messageMove('2', 'Gr\u00fc\u00dfe/1');
		out.moved = [...moved.uidMap];
		await client.messageDelete('1');
		out.after = (await all(client)).map(({ uid, seq, flags }) => ({ uid, seq, flags }));
		out.downloaded = [];
		const part = await client.download(String(out.after[0].uid), undefined, { uid: true });
		for await (const piece of part.content)
			out.downloaded.push(piece.toString('base64'));
		lock.release();
		await client.mailboxOpen('Gr\u00fc\u00dfe/1');
		out.copies = (await all(client)).map(({ uid, flags, source }) => ({ uid, flags, source }));
		out.status = await client.status('INBOX', { messages: true, uidNext: true, unseen: true, highestModseq: true });
		for (const k of ['highestModseq', 'uidValidity'])
			out.status[k] = String(out.status[k]);
		out.list = (await client.list()).map((x) => x.path).sort();
		await client.logout();
	},

	// What it hears in IDLE from another session.
	async idle(out) {
		const a = open(), b = open({ disableCompression: true });
		await a.connect();
		await b.connect();
		const news = told(a);
		await a.mailboxOpen('INBOX');
		await b.mailboxOpen('INBOX');
		a.idle();
		await until(() => a.idling);
		out.idling = a.idling;
		await b.append('INBOX', readFileSync(scene.files[0]));
		out.exists = await until(() => news.some((x) => x[0] === 'exists'));
		await b.messageFlagsAdd('1', ['\\Flagged']);
		out.flags = await until(() => news.some((x) => x[0] === 'flags'));
		await b.messageDelete('1');
		out.expunge = await until(() => news.some((x) => x[0] === 'expunge'));
		out.news = news;
		out.count = a.mailbox.exists;
		await a.logout();
		await b.logout();
	},

	// It was away; SELECT with QRESYNC tells what happened meanwhile.
	async away(out) {
		const a = open(), b = open();
		await a.connect();
		for (const name of scene.files)
			await a.append('INBOX', readFileSync(name));
		await a.mailboxOpen('INBOX');
		const before = { uidValidity: a.mailbox.uidValidity, changedSince: a.mailbox.highestModseq };
		await a.mailboxClose();
		await b.connect();
		await b.mailboxOpen('INBOX');
		await b.messageDelete('2');
		await b.messageFlagsAdd('1', ['\\Flagged', 'word']);
		await b.append('INBOX', readFileSync(scene.files[0]));
		await b.logout();
		const news = told(a);
		await a.mailboxOpen('INBOX', before);
		out.news = news;
		out.exists = a.mailbox.exists;
		const changed = [];
		for await (const m of a.fetch('1:*', { uid: true, flags: true }, { changedSince: before.changedSince }))
			changed.push([m.uid, [...m.flags].sort()]);
		out.changed = changed;
		await a.logout();
	},
};

const out = {};
await scenes[scene.name](out);
process.stdout.write(JSON.stringify(out), () => process.exit(0));

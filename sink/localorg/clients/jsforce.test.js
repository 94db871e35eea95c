// jsforce, unmodified, against a served local org. The script run starts the org and this.
import assert from 'node:assert/strict';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import test from 'node:test';

const file = process.env.LOCALORG_CREDENTIALS;
const skip = file ? false : 'LOCALORG_CREDENTIALS is not set: sink/localorg/clients/run starts an org and sets it';
const org = file ? JSON.parse(readFileSync(file, 'utf8')) : {};
const { Connection, OAuth2, SfDate } = skip ? {} : (await import('jsforce')).default;
const version = '66.0';

const app = () => ({ loginUrl: org.instance_url, clientId: org.client_id, clientSecret: org.client_secret });

// connect logs in by client credentials.
async function connect(options = {}) {
  const conn = new Connection({ oauth2: app(), version, ...options });
  await conn.authorize({ grant_type: 'client_credentials' });
  return conn;
}

// admin calls a resource of the local org itself.
async function admin(conn, path, body) {
  const res = await fetch(org.instance_url + path, {
    method: 'POST',
    headers: { Authorization: `Bearer ${conn.accessToken}`, 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  assert.ok(res.ok, `POST ${path}: ${res.status} ${await res.clone().text()}`);
  return res;
}

const plain = (records) => records.map(({ attributes, ...fields }) => fields);
const leads = (prefix, n) => Array.from({ length: n }, (_, i) => ({
  Ext__c: `${prefix}-${String(i).padStart(5, '0')}`, LastName: `Jürgen "${i}", Ö`, Company: 'Acme, Inc.',
}));
const stored = async (conn, prefix) => {
  const q = conn.query(`SELECT Id, Ext__c, LastName, FirstName FROM Lead WHERE Ext__c LIKE '${prefix}-%' ORDER BY Ext__c`, { autoFetch: true, maxFetch: 100_000 });
  return (await q).records;
};

test('logins', { skip }, async (t) => {
  const works = async (conn) => {
    const { totalSize, records } = await conn.query(`SELECT Id, Profile.Name FROM User WHERE Username = '${org.username}'`);
    assert.equal(totalSize, 1);
    assert.equal(records[0].Profile.Name, 'System Administrator');
  };

  await t.test('client credentials', async () => works(await connect()));

  await t.test('user name, password and security token by OAuth 2', async () => {
    const conn = new Connection({ oauth2: app(), version });
    const user = await conn.login(org.username, org.password + org.security_token);
    assert.equal(user.organizationId, org.organization_id);
    await works(conn);
    await assert.rejects(conn.login(org.username, 'wrong'), { name: 'invalid_grant', message: 'authentication failure' });
  });

  await t.test('SOAP, up to version 64.0', async () => {
    const conn = new Connection({ loginUrl: org.instance_url, version: '64.0' });
    const user = await conn.login(org.username, org.password + org.security_token);
    assert.equal(user.organizationId, org.organization_id);
    await works(conn);
    await conn.logout();
    const wrong = new Connection({ loginUrl: org.instance_url, version: '64.0' });
    await assert.rejects(wrong.login(org.username, 'wrong'), /INVALID_LOGIN/);
    const late = new Connection({ loginUrl: org.instance_url, version: '65.0' });
    await assert.rejects(late.login(org.username, org.password + org.security_token));
  });

  await t.test('access token', async () => {
    const conn = new Connection({ instanceUrl: org.instance_url, accessToken: (await connect()).accessToken, version });
    await works(conn);
    const me = await conn.identity();
    assert.equal(me.username, org.username);
    assert.equal(me.organization_id, org.organization_id);
    const wrong = new Connection({ instanceUrl: org.instance_url, accessToken: '00D000000000000!nothing', version });
    await assert.rejects(wrong.query('SELECT Id FROM User'), { errorCode: 'INVALID_SESSION_ID', message: 'Session expired or invalid' });
  });

  await t.test('refresh token', async () => {
    const conn = new Connection({
      oauth2: app(), instanceUrl: org.instance_url, accessToken: '00D000000000000!nothing', refreshToken: org.refresh_token, version,
    });
    let renewed = 0;
    conn.on('refresh', () => { renewed++; });
    await works(conn);
    assert.equal(renewed, 1);
    await assert.rejects(conn.oauth2.refreshToken('5Aepwrong'), { name: 'invalid_grant' });
  });

  await t.test('JWT bearer', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = publicKey.export({ type: 'spki', format: 'pem' });
    await admin(await connect(), '/_org/jwt-key', { pem });
    const sign = (claims) => {
      const part = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');
      const text = `${part({ alg: 'RS256' })}.${part(claims)}`;
      return `${text}.${createSign('RSA-SHA256').update(text).sign(privateKey, 'base64url')}`;
    };
    const claims = { iss: org.client_id, sub: org.username, aud: 'https://login.salesforce.com', exp: Math.floor(Date.now() / 1000) + 120 };
    const grant = (assertion) => ({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion });
    const conn = new Connection({ oauth2: app(), version });
    await conn.authorize(grant(sign(claims)));
    await works(conn);
    await assert.rejects(conn.authorize(grant(sign({ ...claims, exp: 1_000_000_000 }))), { name: 'invalid_grant' });
    await assert.rejects(conn.authorize(grant(sign({ ...claims, sub: 'nobody@example.com' }))), { name: 'invalid_grant' });
  });

  await t.test('web server flow with PKCE', async () => {
    const redirectUri = 'http://localhost:1717/OauthRedirect';
    const oauth2 = new OAuth2({ ...app(), redirectUri, useVerifier: true });
    const form = await fetch(oauth2.getAuthorizationUrl({ scope: 'api refresh_token', state: 'a b' }), { signal: AbortSignal.timeout(10_000) });
    const html = await form.text();
    assert.match(html, /<form/);
    // What a browser would send: the hidden fields of the page, and what the user types.
    const fields = new URLSearchParams();
    const unescape = (s) => s.replace(/&#34;|&quot;/g, '"').replace(/&#39;/g, "'").replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&#43;/g, '+').replace(/&amp;/g, '&');
    for (const [input] of html.matchAll(/<input[^>]*type="hidden"[^>]*>/g)) {
      fields.set(unescape(input.match(/name="([^"]*)"/)[1]), unescape(input.match(/value="([^"]*)"/)[1]));
    }
    fields.set('username', org.username);
    fields.set('password', org.password);
    const action = html.match(/<form[^>]*action="([^"]*)"/)?.[1];
    const res = await fetch(new URL(unescape(action ?? ''), form.url), { method: 'POST', body: fields, redirect: 'manual', signal: AbortSignal.timeout(10_000) });
    const back = new URL(res.headers.get('location'));
    assert.equal(back.origin + back.pathname, redirectUri);
    assert.equal(back.searchParams.get('state'), 'a b');
    const conn = new Connection({ oauth2, version });
    await conn.authorize(back.searchParams.get('code'));
    assert.ok(conn.refreshToken);
    await works(conn);
    await assert.rejects(conn.authorize(back.searchParams.get('code')), { name: 'invalid_grant' });
  });

  await t.test('logout revokes the session', async () => {
    const conn = await connect();
    const { accessToken } = conn;
    await conn.logout();
    const after = new Connection({ instanceUrl: org.instance_url, accessToken, version });
    await assert.rejects(after.limits(), { errorCode: 'INVALID_SESSION_ID' });
  });

  await t.test('an expired session is renewed and the request repeated', async () => {
    const conn = new Connection({ oauth2: app(), version });
    await conn.login(org.username, org.password + org.security_token);
    await admin(conn, '/_org/expire-sessions');
    await works(conn);
  });
});

test('versions, resources, limits', { skip }, async () => {
  const conn = await connect();
  const versions = await conn.request('/services/data');
  assert.ok(versions.every((v) => v.url === `/services/data/v${v.version}`));
  const resources = await conn.request(`/services/data/v${version}`);
  assert.equal(resources.sobjects, `/services/data/v${version}/sobjects`);
  const { DailyApiRequests } = await conn.limits();
  assert.ok(DailyApiRequests.Remaining < DailyApiRequests.Max);
  assert.ok(conn.limitInfo.apiUsage.used > 0 && conn.limitInfo.apiUsage.limit === DailyApiRequests.Max);
});

test('describe', { skip }, async () => {
  const conn = await connect();
  const all = await conn.describeGlobal();
  assert.equal(all.maxBatchSize, 200);
  assert.ok(['Account', 'Contact', 'Lead', 'Opportunity', 'Campaign', 'CampaignMember', 'Case', 'Task', 'Event', 'User', 'Visit__c'].every((n) => all.sobjects.some((o) => o.name === n)));
  const lead = await conn.describe('lead'); // in any case
  assert.equal(lead.name, 'Lead');
  assert.equal(lead.keyPrefix, '00Q');
  const field = (name) => lead.fields.find((f) => f.name === name);
  assert.deepEqual([field('Ext__c').externalId, field('Ext__c').unique, field('Ext__c').idLookup], [true, true, true]);
  assert.deepEqual([field('Email').idLookup, field('Email').length], [true, 80]);
  assert.equal(field('Status').picklistValues.find((v) => v.defaultValue).value, 'Open - Not Contacted');
  assert.ok((await conn.sobject('Visit__c').describe$()).custom);
  await assert.rejects(conn.describe('Nothing__c'), { errorCode: 'NOT_FOUND', message: 'The requested resource does not exist' });
});

test('single records', { skip }, async () => {
  const conn = await connect();
  const Lead = conn.sobject('Lead');
  const made = await Lead.create({ Ext__c: 'JS-ONE-1', LastName: '  Ann ', Company: 'Acme', Email: 'Ann@Example.com', Score__c: 12.345, Seen__c: '2026-11-21T10:00:00+02:00' });
  assert.deepEqual([made.success, made.id.length, made.errors], [true, 18, []]);
  const read = await Lead.retrieve(made.id);
  assert.equal(read.LastName, 'Ann');
  assert.equal(read.Score__c, 12.35);
  assert.equal(read.Seen__c, '2026-11-21T08:00:00.000+0000');
  assert.equal(read.FirstName, null);
  assert.equal(read.attributes.url, `/services/data/v${version}/sobjects/Lead/${made.id}`);
  assert.equal((await Lead.update({ Id: made.id.slice(0, 15), FirstName: 'Mary' })).success, true);
  const same = await Lead.upsert({ Ext__c: 'js-one-1', LastName: 'Anne' }, 'Ext__c');
  assert.deepEqual([same.id, same.created], [made.id, false]);
  const other = await Lead.upsert({ Ext__c: 'JS ONE/2 ü', LastName: 'B', Company: 'C' }, 'Ext__c');
  assert.equal(other.created, true);
  assert.deepEqual(plain(await conn.retrieve('Lead', [made.id, '00Q000000000001EAA', other.id], { fields: ['Ext__c', 'FirstName'] }).then((l) => l.filter(Boolean))),
    [{ Ext__c: 'js-one-1', FirstName: 'Mary' }, { Ext__c: 'JS ONE/2 ü', FirstName: null }]);
  assert.equal((await Lead.destroy(made.id)).success, true);
  await assert.rejects(Lead.retrieve(made.id), { errorCode: 'ENTITY_IS_DELETED' });
  const byDeletion = await conn.query(`SELECT Id, IsDeleted FROM Lead WHERE Id = '${made.id}'`, { scanAll: true });
  assert.deepEqual(plain(byDeletion.records), [{ Id: made.id, IsDeleted: true }]);
  await Lead.destroy(other.id);

  // Up to version 45.0 an update by key has no body.
  const old = await connect({ version: '45.0' });
  const first = await old.sobject('Lead').upsert({ Ext__c: 'JS-OLD-1', LastName: 'A', Company: 'C' }, 'Ext__c');
  assert.equal(first.created, true);
  assert.deepEqual(await old.sobject('Lead').upsert({ Ext__c: 'JS-OLD-1', LastName: 'B' }, 'Ext__c'), { success: true, errors: [] });
  await Lead.destroy(first.id);
});

test('collections', { skip }, async () => {
  const conn = await connect();
  const Lead = conn.sobject('Lead');
  const list = leads('JS-COLL', 450);
  list[300].LastName = 'x'.repeat(81);
  let res = await Lead.create(list, { allowRecursive: true });
  assert.deepEqual(res.map((r, i) => r.success || i).filter((v) => v !== true), [300]);
  assert.deepEqual(res[300].errors, [{ statusCode: 'STRING_TOO_LONG', message: `Last Name: data value too large: ${'x'.repeat(81)} (max length=80)`, fields: ['LastName'] }]);
  list[300].LastName = 'ok';
  res = await Lead.upsert(list, 'Ext__c', { allowRecursive: true });
  assert.ok(res.every((r, i) => r.success && r.created === (i === 300)));
  const ids = res.map((r) => r.id);
  res = await Lead.update(ids.map((Id, i) => ({ Id, FirstName: `F${i}` })), { allowRecursive: true });
  assert.ok(res.every((r) => r.success));
  assert.deepEqual((await stored(conn, 'JS-COLL')).map((r) => r.FirstName), ids.map((_, i) => `F${i}`));
  res = await Lead.update([{ Id: ids[0], FirstName: 'no' }, { Id: ids[1], LastName: '' }], { allOrNone: true });
  assert.deepEqual(res.map((r) => [r.success, r.errors[0].statusCode]), [[false, 'ALL_OR_NONE_OPERATION_ROLLED_BACK'], [false, 'REQUIRED_FIELD_MISSING']]);
  assert.equal((await Lead.retrieve(ids[0])).FirstName, 'F0');
  res = await Lead.upsert([{ Ext__c: 'JS-COLL-DUP', LastName: 'A', Company: 'C' }, { Ext__c: 'js-coll-dup', LastName: 'B', Company: 'C' }], 'Ext__c');
  assert.deepEqual(res.map((r) => r.errors[0].statusCode), ['DUPLICATE_VALUE', 'DUPLICATE_VALUE']);
  res = await Lead.destroy(ids, { allowRecursive: true });
  assert.ok(res.every((r) => r.success));
});

test('relations by external id', { skip }, async () => {
  const conn = await connect();
  const account = await conn.sobject('Account').upsert({ ERP_Id__c: 'JS-ACC', Name: 'Acme' }, 'ERP_Id__c');
  const contact = await conn.sobject('Contact').create({ LastName: 'A', Account: { ERP_Id__c: 'JS-ACC' } });
  const { records: [read] } = await conn.query(`SELECT Account.Name, Account.Owner.Username FROM Contact WHERE Id = '${contact.id}'`);
  assert.equal(read.Account.Name, 'Acme');
  assert.equal(read.Account.Owner.Username, org.username);
  await assert.rejects(conn.sobject('Contact').create({ LastName: 'A', Account: { ERP_Id__c: 'nowhere' } }),
    { errorCode: 'INVALID_FIELD', message: 'Foreign key external ID: nowhere not found for field ERP_Id__c in entity Account' });
  await conn.sobject('Contact').destroy(contact.id);
  await conn.sobject('Account').destroy(account.id);
});

test('query', { skip }, async (t) => {
  const conn = await connect();
  const list = leads('JS-PAGE', 4100);
  assert.ok((await conn.sobject('Lead').create(list, { allowRecursive: true })).every((r) => r.success));

  await t.test('page by page', async () => {
    let page = await conn.query("SELECT Ext__c FROM Lead WHERE Ext__c LIKE 'JS-PAGE-%' ORDER BY Ext__c");
    const sizes = [];
    const keys = [];
    for (;;) {
      sizes.push(page.records.length);
      keys.push(...page.records.map((r) => r.Ext__c));
      assert.equal(page.totalSize, 4100);
      if (page.done) break;
      page = await conn.queryMore(page.nextRecordsUrl);
    }
    assert.deepEqual(sizes, [2000, 2000, 100]);
    assert.deepEqual(keys, list.map((l) => l.Ext__c));
    await assert.rejects(conn.queryMore('01g000000000000AAA-2000'), { errorCode: 'INVALID_QUERY_LOCATOR' });
  });

  await t.test('by itself, as a stream, with conditions as objects', async () => {
    const { LastName } = list[4099];
    const found = await conn.sobject('Lead').find({ Ext__c: { $like: 'JS-PAGE-%' }, LastName, CreatedDate: { $gte: SfDate.YESTERDAY } }, 'Id, Ext__c').sort({ CreatedDate: -1, Ext__c: 1 }).limit(5);
    assert.deepEqual(found.map((r) => r.Ext__c), ['JS-PAGE-04099']);
    assert.equal(await conn.sobject('Lead').count({ Ext__c: { $like: 'JS-PAGE-0000_' } }), 10);
    let n = 0;
    await new Promise((resolve, reject) => {
      conn.query("SELECT Id FROM Lead WHERE Ext__c LIKE 'JS-PAGE-%'").on('record', () => { n++; }).on('end', resolve).on('error', reject).run({ autoFetch: true, maxFetch: 4000 });
    });
    assert.equal(n, 4000);
  });

  await t.test('errors', async () => {
    await assert.rejects(conn.query('SELECT Emial FROM Lead'), { errorCode: 'INVALID_FIELD', message: /\nSELECT Emial FROM Lead\n +\^\nERROR at Row:1:Column:8\nNo such column 'Emial' on entity 'Lead'\./ });
    await assert.rejects(conn.query('SELECT Id FROM Nothing'), { errorCode: 'INVALID_TYPE' });
    await assert.rejects(conn.query('SELECT Id FROM Lead WHERE'), { errorCode: 'MALFORMED_QUERY' });
    await assert.rejects(conn.query("SELECT Id FROM Lead WHERE Id = 'abc'"), { errorCode: 'INVALID_QUERY_FILTER_OPERATOR' });
  });

  await conn.sobject('Lead').destroy((await stored(conn, 'JS-PAGE')).map((r) => r.Id), { allowRecursive: true });
  assert.equal((await stored(conn, 'JS-PAGE')).length, 0);
});

test('child records in a query', { skip }, async () => {
  const conn = await connect();
  const { id } = await conn.sobject('Account').create({ Name: 'JS parent' });
  const kids = await conn.sobject('Contact').create([{ LastName: 'A', AccountId: id }, { LastName: 'B', AccountId: id }]);
  const { records: [read] } = await conn.query(`SELECT Name, (SELECT LastName FROM Contacts ORDER BY LastName) FROM Account WHERE Id = '${id}'`);
  assert.deepEqual([read.Contacts.totalSize, read.Contacts.done, ...plain(read.Contacts.records).map((r) => r.LastName)], [2, true, 'A', 'B']);
  const found = await conn.sobject('Account').find({ Id: id }, 'Id').include('Contacts').select('LastName').end();
  assert.equal(found[0].Contacts.records.length, 2);
  await conn.sobject('Contact').destroy(kids.map((k) => k.id));
  await conn.sobject('Account').destroy(id);
});

test('search', { skip }, async () => {
  const conn = await connect();
  const { id } = await conn.sobject('Lead').create({ LastName: 'Searchable', Company: 'C', Email: 'js-search@example.com' });
  const { searchRecords } = await conn.search('FIND {js-search@example.com} IN EMAIL FIELDS RETURNING Lead(Id, Email), Contact(Id)');
  assert.deepEqual(plain(searchRecords), [{ Id: id, Email: 'js-search@example.com' }]);
  const res = await conn.requestPost('/parameterizedSearch', { q: 'js-search@example.com', in: 'EMAIL', sobjects: [{ name: 'Lead', fields: ['Id'] }] });
  assert.deepEqual(plain(res.searchRecords), [{ Id: id }]);
  await conn.sobject('Lead').destroy(id);
});

test('errors of records', { skip }, async () => {
  const conn = await connect();
  const Lead = conn.sobject('Lead');
  const ok = { LastName: 'A', Company: 'C' };
  await assert.rejects(Lead.create({ LastName: 'A' }), { errorCode: 'REQUIRED_FIELD_MISSING', message: 'Required fields are missing: [Company]' });
  await assert.rejects(Lead.create({ ...ok, Emial: 'x' }), { errorCode: 'INVALID_FIELD', message: "No such column 'Emial' on sobject of type Lead" });
  await assert.rejects(Lead.create({ ...ok, Email: 'x' }), { errorCode: 'INVALID_EMAIL_ADDRESS', message: 'Email: invalid email address: x' });
  await assert.rejects(Lead.create({ ...ok, Born__c: '21.11.2026' }), { errorCode: 'JSON_PARSER_ERROR' });
  await assert.rejects(Lead.create({ ...ok, CreatedById: org.organization_id }), { errorCode: 'INVALID_FIELD_FOR_INSERT_UPDATE' });
  await assert.rejects(Lead.create({ ...ok, OwnerId: 'abc' }), { errorCode: 'MALFORMED_ID' });
  await assert.rejects(Lead.upsert({ Nothing__c: '1', ...ok }, 'Nothing__c'), { errorCode: 'NOT_FOUND' });
  await assert.rejects(Lead.update({ Id: '00Q000000000001EAA', ...ok }), { errorCode: 'NOT_FOUND' });
  await assert.rejects(conn.request({ method: 'DELETE', url: '/sobjects/Lead' }), { errorCode: 'METHOD_NOT_ALLOWED' });
  await assert.rejects(conn.request({ method: 'POST', url: '/sobjects/Lead', body: '{"LastName":', headers: { 'content-type': 'application/json' } }), { errorCode: 'JSON_PARSER_ERROR' });
});

test('composite family', { skip }, async () => {
  const conn = await connect();
  const base = `/services/data/v${version}`;
  const res = await conn.requestPost('/composite', {
    allOrNone: true,
    compositeRequest: [
      { method: 'POST', url: `${base}/sobjects/Account`, referenceId: 'acc', body: { Name: 'JS composite' } },
      { method: 'POST', url: `${base}/sobjects/Contact`, referenceId: 'con', body: { LastName: 'A', AccountId: '@{acc.id}' } },
      { method: 'GET', url: `${base}/query?q=SELECT+Account.Name+FROM+Contact+WHERE+Id='@{con.id}'`, referenceId: 'q' },
    ],
  });
  assert.deepEqual(res.compositeResponse.map((r) => r.httpStatusCode), [201, 201, 200]);
  assert.equal(res.compositeResponse[2].body.records[0].Account.Name, 'JS composite');

  const batch = await conn.requestPost('/composite/batch', {
    batchRequests: [{ method: 'GET', url: `v${version}/limits` }, { method: 'GET', url: `v${version}/sobjects/Nothing__c` }],
  });
  assert.deepEqual([batch.hasErrors, ...batch.results.map((r) => r.statusCode)], [true, 200, 404]);

  const tree = await conn.requestPost('/composite/tree/Account', {
    records: [{
      attributes: { type: 'Account', referenceId: 'a1' }, Name: 'JS tree',
      Contacts: { records: [{ attributes: { type: 'Contact', referenceId: 'c1' }, LastName: 'T' }] },
    }],
  });
  assert.deepEqual([tree.hasErrors, ...tree.results.map((r) => r.referenceId)], [false, 'a1', 'c1']);

  const graph = await conn.requestPost('/composite/graph', {
    graphs: [{ graphId: 'g', compositeRequest: [{ method: 'POST', url: `${base}/sobjects/Account`, referenceId: 'a', body: { Name: 'JS graph' } }] }],
  });
  assert.deepEqual([graph.graphs[0].graphId, graph.graphs[0].isSuccessful], ['g', true]);
  const ids = (await conn.query("SELECT Id FROM Account WHERE Name LIKE 'JS %'")).records.map((r) => r.Id);
  assert.equal(ids.length, 3);
  await conn.sobject('Contact').destroy((await conn.query("SELECT Id FROM Contact WHERE Account.Name LIKE 'JS %'")).records.map((r) => r.Id));
  await conn.sobject('Account').destroy(ids);
});

test('tooling', { skip }, async () => {
  const conn = await connect();
  const { records } = await conn.tooling.query("SELECT QualifiedApiName FROM EntityDefinition WHERE QualifiedApiName = 'Lead'");
  assert.deepEqual(plain(records), [{ QualifiedApiName: 'Lead' }]);
});

test('Bulk API 2.0 ingest', { skip }, async (t) => {
  const conn = await connect();
  conn.bulk2.pollInterval = 50;
  conn.bulk2.pollTimeout = 60_000;

  await t.test('upsert with all three result sets', async () => {
    const list = leads('JS-BULK', 1200);
    list[7].LastName = 'x'.repeat(81);
    let res = await conn.bulk2.loadAndWaitForResults({ object: 'Lead', operation: 'upsert', externalIdFieldName: 'Ext__c', input: list });
    assert.deepEqual([res.successfulResults.length, res.failedResults.length, res.unprocessedRecords.length], [1199, 1, 0]);
    assert.ok(res.successfulResults.every((r) => r.sf__Created === 'true' && r.sf__Id.length === 18 && r.Ext__c));
    const [{ sf__Error, ...failed }] = res.failedResults;
    assert.equal(failed.Ext__c, list[7].Ext__c);
    assert.equal(sf__Error, `STRING_TOO_LONG:Last Name: data value too large: ${'x'.repeat(81)} (max length=80):LastName --`);
    list[7].LastName = 'ok';
    list[8].LastName = null; // #N/A on a required field
    res = await conn.bulk2.loadAndWaitForResults({ object: 'lead', operation: 'upsert', externalIdFieldName: 'ext__c', input: list });
    assert.deepEqual([res.successfulResults.length, res.successfulResults.filter((r) => r.sf__Created === 'true').length, res.failedResults.length], [1199, 1, 1]);
    assert.match(res.failedResults[0].sf__Error, /^REQUIRED_FIELD_MISSING:/);
  });

  await t.test('step by step, with job info', async () => {
    const job = conn.bulk2.createJob({ object: 'Lead', operation: 'update' });
    const made = await job.open();
    assert.deepEqual([made.state, made.apiVersion, made.contentType, made.concurrencyMode, made.lineEnding, made.columnDelimiter], ['Open', 66, 'CSV', 'Parallel', 'LF', 'COMMA']);
    assert.equal(made.contentUrl, `services/data/v${version}/jobs/ingest/${made.id}/batches`);
    const there = await stored(conn, 'JS-BULK');
    assert.equal(there.length, 1200);
    await job.uploadData(`Id,FirstName\n${there.map((r) => `${r.Id},B\n`).join('')}`);
    await job.close();
    await job.poll(50, 60_000);
    const info = await job.check();
    assert.deepEqual([info.state, info.jobType, info.numberRecordsProcessed, info.numberRecordsFailed], ['JobComplete', 'V2Ingest', 1200, 0]);
    // The order of columns is the org's own affair; only its own names are quoted.
    assert.match((await job.getSuccessfulResults(true)).split('\n')[0], /^"sf__Id","sf__Created",(Id,FirstName|FirstName,Id)$/);
    const listed = await conn.request('/jobs/ingest');
    assert.ok(listed.records.some((j) => j.id === info.id));
    await job.delete();
    await assert.rejects(job.check(), { errorCode: 'NOT_FOUND' });
  });

  await t.test('abort, and jobs that fail as a whole', async () => {
    const job = conn.bulk2.createJob({ object: 'Lead', operation: 'insert' });
    await job.open();
    await job.abort();
    assert.equal((await job.check()).state, 'Aborted');
    await job.delete();
    await assert.rejects(conn.bulk2.loadAndWaitForResults({ object: 'Lead', operation: 'insert', input: [{ LastName: 'A', Emial: 'x' }] }),
      /InvalidBatch : Field name not found : Emial/);
    await assert.rejects(conn.bulk2.loadAndWaitForResults({ object: 'Lead', operation: 'insert', input: 'LastName,Company\r\nA,B\r\n' }),
      /LineEnding is invalid on user data/);
    await assert.rejects(conn.bulk2.createJob({ object: 'Nothing__c', operation: 'insert' }).open());
  });

  await t.test('delete', async () => {
    const there = await stored(conn, 'JS-BULK');
    const res = await conn.bulk2.loadAndWaitForResults({ object: 'Lead', operation: 'delete', input: there.map(({ Id }) => ({ Id })) });
    assert.equal(res.successfulResults.length, 1200);
    assert.equal((await stored(conn, 'JS-BULK')).length, 0);
  });
});

test('Bulk API 2.0 query', { skip }, async () => {
  const conn = await connect();
  conn.bulk2.pollInterval = 50;
  conn.bulk2.pollTimeout = 60_000;
  const list = leads('JS-BQ', 600);
  await conn.sobject('Lead').upsert(list, 'Ext__c', { allowRecursive: true });
  const rows = await (await conn.bulk2.query("SELECT Id, Ext__c, LastName, CreatedDate FROM Lead WHERE Ext__c LIKE 'JS-BQ-%'")).toArray();
  assert.deepEqual(rows.map((r) => r.Ext__c).sort(), list.map((l) => l.Ext__c));
  assert.match(rows[0].CreatedDate, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  await assert.rejects(conn.bulk2.query('SELECT COUNT(Id) FROM Lead GROUP BY Status'));
  await conn.sobject('Lead').destroy((await stored(conn, 'JS-BQ')).map((r) => r.Id), { allowRecursive: true });
});

test('Bulk API 1.0', { skip }, async () => {
  const conn = await connect();
  conn.bulk.pollInterval = 50;
  conn.bulk.pollTimeout = 60_000;
  const list = leads('JS-B1', 300);
  list[5].LastName = '';
  const res = await conn.bulk.load('Lead', 'upsert', { extIdField: 'Ext__c' }, list);
  assert.equal(res.length, 300); // in the order of the rows
  assert.deepEqual(res.map((r, i) => r.success || i).filter((v) => v !== true), [5]);
  assert.match(String(res[5].errors), /REQUIRED_FIELD_MISSING/);
  const rows = await (await conn.bulk.query("SELECT Id, Ext__c FROM Lead WHERE Ext__c LIKE 'JS-B1-%'")).toArray();
  assert.equal(rows.length, 299);
  const gone = await conn.bulk.load('Lead', 'delete', rows.map(({ Id }) => ({ Id })));
  assert.ok(gone.every((r) => r.success));
});

test('what the other client reads back', { skip }, async () => {
  const conn = await connect();
  const res = await conn.sobject('Lead').upsert([
    { Ext__c: 'JS-FOR-GO-1', LastName: 'A', Company: 'C' },
    { Ext__c: 'JS-FOR-GO-2', LastName: 'Müller, "Zoë"', Company: 'C', Score__c: 12.34 },
    { Ext__c: 'JS-FOR-GO-3', LastName: 'C', Company: 'C', Email: 'c@example.com' },
  ], 'Ext__c');
  assert.ok(res.every((r) => r.success));
});

// jsforce reads what go-salesforce wrote. The script run starts this last.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

const ready = process.env.LOCALORG_CREDENTIALS && process.env.LOCALORG_GO;
const skip = ready ? false : 'go-salesforce has written nothing: sink/localorg/clients/run starts both';

test('what go-salesforce wrote', { skip }, async () => {
  const org = JSON.parse(readFileSync(process.env.LOCALORG_CREDENTIALS, 'utf8'));
  const { Connection } = (await import('jsforce')).default;
  const conn = new Connection({ oauth2: { loginUrl: org.instance_url, clientId: org.client_id, clientSecret: org.client_secret }, version: '66.0' });
  await conn.authorize({ grant_type: 'client_credentials' });
  const { records } = await conn.query("SELECT Ext__c, LastName, Score__c, Born__c, Agreed__c, Seen__c FROM Lead WHERE Ext__c LIKE 'GO-FOR-JS-%' ORDER BY Ext__c");
  assert.deepEqual(records.map(({ attributes, ...fields }) => fields), [
    { Ext__c: 'GO-FOR-JS-1', LastName: "Ωmega \\ '", Score__c: 7.5, Born__c: '1990-02-28', Agreed__c: false, Seen__c: null },
    { Ext__c: 'GO-FOR-JS-2', LastName: 'B', Score__c: null, Born__c: null, Agreed__c: true, Seen__c: '2026-11-21T08:00:00.000+0000' },
  ]);
});
